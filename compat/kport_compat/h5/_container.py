"""Walk an HDF5 file of a Keras model: groups by path, attributes as texts, lists and JSON."""

from __future__ import annotations

from itertools import count, takewhile
from pathlib import Path
from typing import Any

from kport.checkpoint import JSON
from kport.errors import CorruptFileError, mapped
from kport.formats._json import parse_json
from kport.formats._mapped import MappedFile
from kport.formats.hdf5 import Dataset, Group, Node, StoredArray, open_file, stored_array

__all__ = [
    "array",
    "attribute_json",
    "attribute_names",
    "attribute_text",
    "below",
    "child",
    "opened",
]


def opened(path: Path) -> tuple[Group, MappedFile]:
    """Return the root of a file, and its bytes.

    Raises:
        CorruptFileError: It is no HDF5 file, or is cut off.
    """
    with mapped(CorruptFileError, "is a damaged or truncated HDF5 file", path=path):
        values = MappedFile(path)  # mapped when one is read, if the file is then the same
        return open_file(MappedFile(path)), values


def below(group: Group, path: str) -> Group:
    """Return the group that lies below another under a path.

    Raises:
        CorruptFileError: There is none; else see `child`.
    """
    node = child(group, path)
    if not isinstance(node, Group):
        raise CorruptFileError(f"{'/' + node.path!r} is no group")
    return node


def child(group: Group, path: str) -> Node:
    """Return what lies below the group under a path.

    Raises:
        UnsafeFileError: The way leads through a soft, external or user-defined link.
        CorruptFileError: There is no such name.
    """
    node: Node = group
    for name in path.split("/"):
        if not isinstance(node, Group) or name not in node:
            raise CorruptFileError(f"names {path!r} in {'/' + group.path!r} and does not hold it")
        node = node[name]
    return node


def array(group: Group, path: str, backing: MappedFile) -> StoredArray:
    """Return what the dataset below the group holds.

    Raises:
        CorruptFileError: There is none; else see `kport.formats.hdf5.stored_array`.
    """
    node = child(group, path)
    if not isinstance(node, Dataset):
        raise CorruptFileError("is no dataset")
    return stored_array(node, backing)


def attribute_names(node: Node, name: str) -> list[str]:
    """Return a list of names kept in an attribute, or in the parts ``name0``, ``name1``, ...

    Keras splits a list that is longer than the 64 kB an HDF5 object header takes
    (``keras/src/legacy/saving/legacy_h5_format.py``, ``save_attributes_to_hdf5_group``).

    Raises:
        CorruptFileError: It is missing or holds something else than text.
    """
    held = node.attributes
    if name in held:
        return _texts(node, name)
    parts = [f"{name}{index}" for index in takewhile(lambda at: f"{name}{at}" in held, count())]
    if not parts:
        raise CorruptFileError(f"{'/' + node.path!r} has no attribute {name!r}")
    return [text for part in parts for text in _texts(node, part)]


def attribute_text(node: Node, name: str) -> str | None:
    """Return the text of an attribute, None when there is none.

    Raises:
        CorruptFileError: It holds something else than one text.
    """
    if name not in node.attributes:
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
    with mapped(CorruptFileError, f"attribute {name!r} of {'/' + node.path!r} cannot be read"):
        return node.attributes[name].texts
