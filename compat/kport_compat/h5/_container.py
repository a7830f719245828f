"""Walk an HDF5 file without trusting it: hard links only, bounded attributes.

HDF5 can make one file open another (external and soft links), run a plug-in (unknown filters) or
claim sizes that no file has. Everything goes through here, so none of that happens. h5py and the
HDF5 library raise only built-in exceptions; `opened` maps them.

Format: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

from kport.checkpoint import JSON
from kport.errors import CorruptFileError, UnsafeFileError, mapped
from kport.formats._json import parse_json

__all__ = ["SIGNATURE", "attribute_json", "attribute_names", "attribute_text", "child", "opened"]

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MAX_NAMES = 100_000  # names in one list; the largest public Keras models have some thousands
_MAX_CHUNKS = 1_000  # parts of one list; the writer splits at 64 kB, so this is 64 MB of names

Node = Any
"""An open `h5py.Group` or `h5py.Dataset`; h5py has no types."""


@contextmanager
def opened(path: Path) -> Iterator[Node]:
    """Open the file for reading.

    Raises:
        CorruptFileError: It is no HDF5 file, or is cut off.
    """
    import h5py

    with mapped(CorruptFileError, "is a damaged or truncated HDF5 file", path=path):
        file = h5py.File(path, "r")
    with file:
        yield file


def child(group: Node, name: str) -> Node:
    """Return what lies below the group under a name, following hard links alone.

    Raises:
        UnsafeFileError: The way leads through a soft, external or user-defined link.
        CorruptFileError: There is no such name.
    """
    import h5py

    node = group
    for part in name.split("/"):
        if part in ("", ".", "..") or not isinstance(node, h5py.Group) or part not in node:
            raise CorruptFileError(f"names {name!r} in {group.name!r} and does not hold it")
        if not isinstance(_link(node, part), h5py.HardLink):
            raise UnsafeFileError(
                f"{node.name.rstrip('/')}/{part} is a link to another place or file",
                remedy="Only files that hold their own data are read; copy the data into the file.",
            )
        node = node[part]
    return node


def _link(node: Node, part: str) -> object:
    try:
        return node.get(part, getlink=True)
    except TypeError:  # a user-defined link class; h5py knows no object for it
        return None


def attribute_names(node: Node, name: str) -> list[str]:
    """Return a list of names kept in an attribute, or in the parts ``name0``, ``name1``, ...

    Keras splits a list that is longer than the 64 kB an HDF5 object header takes
    (``keras/src/legacy/saving/legacy_h5_format.py``, ``save_attributes_to_hdf5_group``).

    Raises:
        CorruptFileError: It is missing or holds something else than text.
    """
    if name in node.attrs:
        return _texts(node, name)
    names: list[str] = []
    for index in range(_MAX_CHUNKS):
        if f"{name}{index}" not in node.attrs:
            break
        names += _texts(node, f"{name}{index}")
    else:
        raise CorruptFileError(f"{node.name!r} splits {name!r} into more than {_MAX_CHUNKS} parts")
    if f"{name}0" not in node.attrs:
        raise CorruptFileError(f"{node.name!r} has no attribute {name!r}")
    return names


def attribute_text(node: Node, name: str) -> str | None:
    """Return the text of an attribute, None when there is none.

    Raises:
        CorruptFileError: It holds something else than one text.
    """
    if name not in node.attrs:
        return None
    texts = _texts(node, name)
    if len(texts) != 1:
        raise CorruptFileError(f"attribute {name!r} holds {len(texts)} values, expected one text")
    return texts[0]


def attribute_json(node: Node, name: str) -> JSON | list[Any] | None:
    """Return the JSON object or list in an attribute, None when there is none.

    Raises:
        CorruptFileError: It is no JSON, or neither an object nor a list.
    """
    text = attribute_text(node, name)
    if text is None:
        return None
    value = parse_json(text.encode(), f"attribute {name!r}")
    if not isinstance(value, (dict, list)):
        raise CorruptFileError(f"attribute {name!r} is JSON of a {type(value).__name__}")
    return value


def _texts(node: Node, name: str) -> list[str]:
    identifier = node.attrs.get_id(name)
    count = prod(identifier.shape or ())
    if count > _MAX_NAMES or count * identifier.dtype.itemsize > node.file.id.get_filesize():
        raise CorruptFileError(f"attribute {name!r} of {node.name!r} claims a size beyond reason")
    value = node.attrs[name]
    items = value.ravel().tolist() if hasattr(value, "ravel") else [value]
    return [_text(item, name) for item in items]


def _text(item: object, name: str) -> str:
    if isinstance(item, bytes):
        return item.decode()
    if isinstance(item, str):
        item.encode()  # a lone surrogate, h5py's way to show bytes that are not UTF-8, fails here
        return item
    raise CorruptFileError(f"attribute {name!r} holds a {type(item).__name__}, expected text")
