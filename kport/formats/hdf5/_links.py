"""The links of a group: name -> object, in each of the three ways in which HDF5 keeps them.

Source: HDF5 File Format Specification 3.0, sections III.A (B-trees, version 1), III.B (symbol table
nodes), III.D (local heaps), IV.A.2.c (link info), IV.A.2.g (links) and IV.A.2.r (symbol tables).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kport.errors import CorruptFileError
from kport.formats.hdf5._dense import dense_objects
from kport.formats.hdf5._headers import Message
from kport.formats.hdf5._image import NOWHERE, Cursor, Image

__all__ = ["is_group", "links"]

_LINK_INFO, _LINK, _SYMBOL_TABLE = 0x02, 0x06, 0x11
_HARD, _SOFT, _EXTERNAL = 0, 1, 64
_KINDS = {_SOFT: "a soft link", _EXTERNAL: "an external link"}
_NAMES_BY_INDEX = 5  # records of the tree that has the links by name: a hash, and a place

Links = dict[str, int | str]


def is_group(messages: Iterable[Message]) -> bool:
    """Say whether an object has links, or could."""
    return any(one.kind in (_LINK_INFO, _LINK, _SYMBOL_TABLE) for one in messages)


def links(image: Image, messages: Iterable[Message]) -> Links:
    """Return name -> address of every link of a group, or what kind of other link it is.

    Raises:
        CorruptFileError: They are damaged, or a name stands there twice.
    """
    found: Links = {}
    for name, target in sorted(_all(image, messages)):
        text = name.decode()
        if text in found or not text or "/" in text or text in (".", ".."):
            raise CorruptFileError(
                f"a group has {text!r} twice, or has a name that no writer gives"
            )
        found[text] = target
    return found


def _all(image: Image, messages: Iterable[Message]) -> Iterator[tuple[bytes, int | str]]:
    for message in messages:
        if message.kind == _SYMBOL_TABLE:
            yield from _symbols(image, Cursor(message.data, "a symbol table"))
        elif message.kind == _LINK:
            yield _link(message.data)
        elif message.kind == _LINK_INFO:
            heap, tree = _places(Cursor(message.data, "a group"))
            if heap != NOWHERE:
                for data in dense_objects(image, heap, tree, _NAMES_BY_INDEX, 4):
                    yield _link(data)


def _places(cursor: Cursor) -> tuple[int, int]:
    cursor.expect(b"\0")
    cursor.take(8 if cursor.number(1) & 1 else 0)
    return cursor.number(), cursor.number()


def _link(data: bytes) -> tuple[bytes, int | str]:
    cursor = Cursor(data, "a link")
    cursor.expect(b"\x01")
    flags = cursor.number(1)
    kind = cursor.number(1) if flags & 0x08 else _HARD
    cursor.take((8 if flags & 0x04 else 0) + (1 if flags & 0x10 else 0))
    name = cursor.take(cursor.number(1 << (flags & 3)))
    return name, cursor.number() if kind == _HARD else _KINDS.get(kind, "a user-defined link")


def _symbols(image: Image, cursor: Cursor) -> Iterator[tuple[bytes, int | str]]:
    tree, heap = cursor.number(), cursor.number()
    header = image.block(heap, 32, "the names of a group")
    header.expect(b"HEAP\0")
    header.take(3)
    size, _, place = header.number(), header.number(), header.number()
    names = image.block(place, size, "the names of a group")
    for node in tree_leaves(image, tree, 0, 8):
        symbols = image.peek(node, 8, "a part of a group")
        symbols.expect(b"SNOD\x01\0")
        count = symbols.number(2)
        symbols = image.block(node, 8 + 40 * count, "a part of a group")
        symbols.take(8)
        for _ in range(count):
            names.at, target, cached = symbols.number(), symbols.number(), symbols.number(4)
            symbols.take(20)
            name = names.name(False)
            size -= len(name)
            if size < 0:
                raise CorruptFileError("the names of a group overlap")
            yield name, _KINDS[_SOFT] if cached == 2 else target


def tree_leaves(image: Image, address: int, kind: int, key: int) -> Iterator[int]:
    """Yield the address of everything that a B-tree of version 1 leads to.

    Arguments:
        image: The file.
        address: Where its root is.
        kind: 0 for the symbols of a group, 1 for the chunks of a dataset.
        key: Bytes of a key.
    """
    for _, place in tree_entries(image, address, kind, key):
        yield place


def tree_entries(
    image: Image, address: int, kind: int, key: int, above: int = 1 << 8
) -> Iterator[tuple[bytes, int]]:
    """Yield key and address of everything that a B-tree of version 1 leads to."""
    head = image.peek(address, 24, "a tree")
    head.expect(b"TREE" + bytes((kind,)))
    level, used = head.number(1), head.number(2)
    if level >= above:
        raise CorruptFileError("a tree grows upwards")
    node = image.block(address, 24 + used * (key + 8), "a tree")
    node.take(24)
    for _ in range(used):
        low, place = node.take(key), node.number()
        if level:
            yield from tree_entries(image, place, kind, key, level)
        else:
            yield low, place
