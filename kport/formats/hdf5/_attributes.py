"""The attributes of an object, and the texts in them.

Source: HDF5 File Format Specification 3.0, sections III.E (global heaps), IV.A.2.m (attributes) and
IV.A.2.v (attribute info).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from math import prod

from kport.errors import CorruptFileError, UnreadableError
from kport.formats.hdf5._dense import dense_objects
from kport.formats.hdf5._headers import Message
from kport.formats.hdf5._image import NOWHERE, Cursor, Image
from kport.formats.hdf5._types import datatype, shape

__all__ = ["Attribute", "Heaps", "attributes"]

_ATTRIBUTE, _ATTRIBUTE_INFO = 0x0C, 0x15
_BY_NAME = 8  # records of the tree that has the attributes by name; a place comes first in them


class Heaps:
    """The texts of varying length that a file keeps in its global heaps.

    Arguments:
        image: The file.
    """

    def __init__(self, image: Image) -> None:
        self._image = image
        self._collections: dict[int, dict[int, bytes]] = {}

    def take(self, address: int, index: int) -> bytes:
        """Return a text, of which there is one use.

        Raises:
            CorruptFileError: It is not there, or was returned before.
        """
        if address not in self._collections:
            self._collections[address] = dict(_objects(self._image, address))
        found = self._collections[address].pop(index, None)
        if found is None:
            raise CorruptFileError(f"no text is at {address}, {index}, or it is used twice")
        return found


def _objects(image: Image, address: int) -> Iterator[tuple[int, bytes]]:
    head = image.peek(address, 16, "a heap of texts")
    head.expect(b"GCOL\x01")
    head.take(3)
    heap = image.block(address, head.number(), "a heap of texts")
    heap.take(16)
    while heap.left >= 16:  # what is shorter can be nothing but free
        index, _, size = heap.number(2), heap.take(6), heap.number()
        if index == 0:  # the free space, which its own header is part of
            break
        yield index, heap.take(size)
        heap.take(min(-size % 8, heap.left))


class Attribute:
    """An attribute of a group or a dataset.

    Arguments:
        name: Its name.
        heaps: Of the file.
        kind: Its datatype, as the file has it.
        space: Its dataspace.
        data: Its values.
    """

    def __init__(self, name: str, heaps: Heaps, kind: bytes, space: bytes, data: bytes) -> None:
        self.name, self._heaps, self._kind, self._space, self._data = name, heaps, kind, space, data

    @cached_property
    def texts(self) -> list[str]:
        """The texts it holds.

        Raises:
            CorruptFileError: It holds something else, or is damaged.
        """
        kind, sizes, held = datatype(self._kind), shape(self._space), len(self._data)
        count = 0 if sizes is None else prod(sizes)
        if not count:  # NumPy takes an empty list for one of numbers, and so does h5py
            return []
        if kind.words != "text":
            raise CorruptFileError(f"attribute {self.name!r} holds {kind.words}, expected text")
        if count * kind.size > held:
            raise CorruptFileError(f"attribute {self.name!r} claims {count} texts in {held} bytes")
        values = (self._data[at : at + kind.size] for at in range(0, count * kind.size, kind.size))
        if isinstance(kind.text, bytes):
            return [one.rstrip(kind.text).decode() for one in values]
        return [self._variable(Cursor(one, "a text")) for one in values]

    def _variable(self, cursor: Cursor) -> str:
        size, address, index = cursor.number(4), cursor.number(), cursor.number(4)
        held = self._heaps.take(address, index) if size else b""
        if size > len(held):
            raise CorruptFileError(f"a text of {len(held)} bytes claims {size}")
        return held[:size].partition(b"\0")[0].decode()


def attributes(image: Image, heaps: Heaps, messages: Iterable[Message]) -> dict[str, Attribute]:
    """Return name -> attribute of an object.

    Raises:
        CorruptFileError: One is damaged, or a name stands there twice.
    """
    found: dict[str, Attribute] = {}
    for data in _all(image, messages):
        name, attribute = _attribute(heaps, Cursor(data, "an attribute"))
        if name in found:
            raise CorruptFileError(f"an object has the attribute {name!r} twice")
        found[name] = attribute
    return found


def _all(image: Image, messages: Iterable[Message]) -> Iterator[bytes]:
    for message in messages:
        if message.kind == _ATTRIBUTE:
            yield message.data
        elif message.kind == _ATTRIBUTE_INFO:
            cursor = Cursor(message.data, "an object")
            cursor.expect(b"\0")
            cursor.take(2 if cursor.number(1) & 1 else 0)
            heap, tree = cursor.number(), cursor.number()
            if heap != NOWHERE:
                yield from dense_objects(image, heap, tree, _BY_NAME, 0)


def _attribute(heaps: Heaps, cursor: Cursor) -> tuple[str, Attribute]:
    version, flags = cursor.number(1), cursor.number(1)
    if not 1 <= version <= 3:
        raise CorruptFileError(f"an attribute is of version {version}")
    sizes = [cursor.number(2) for _ in range(3)]
    cursor.take(1 if version == 3 else 0)
    if version > 1 and flags & 3:
        raise UnreadableError("shares the datatype of an attribute with other objects")
    parts = []
    for size in sizes:
        parts.append(cursor.take(size))
        cursor.take(-size % 8 if version == 1 else 0)
    name = parts[0].partition(b"\0")[0].decode()
    return name, Attribute(name, heaps, parts[1], parts[2], cursor.take(cursor.left))
