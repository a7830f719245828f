"""Lay out a new HDF5 file: all that stands before its values, and where each of them belongs.

The file is of the oldest kind, which is what h5py writes and every reader knows: a superblock of
version 0, groups whose names are in B-trees, and datasets in one piece. Same datasets, same bytes.

Source: HDF5 File Format Specification 3.0, sections II.A (superblock), III.A.1 (B-trees, version
1), III.B (symbol table nodes), III.C (symbol table entries), III.D (local heaps) and III.E (global
heaps).

Memory: some 300 bytes a dataset.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from kport.errors import Problem, SaveError
from kport.formats._json import shown
from kport.formats.hdf5._headers import SIGNATURE
from kport.formats.hdf5._image import NOWHERE
from kport.formats.hdf5._types import MAX_RANK
from kport.formats.hdf5._write_messages import (
    ADDRESS_AT,
    TEXT_AT,
    dataset_header,
    group_header,
    padded,
)

__all__ = ["NewDataset", "plan_hdf5"]

T = TypeVar("T")

_SUPERBLOCK = 96
_IN_LEAF, _IN_NODE = 8, 32  # twice what the superblock says: 4 and 16, as HDF5 has it
_LEAF, _NODE = 8 + 40 * _IN_LEAF, 24 + 16 * _IN_NODE + 8
_NO_FREE_SPACE = 1  # H5HLprivate.h: H5HL_FREE_NULL
_LEAST_HEAP, _IN_HEAP = 4096, 0xFFFF  # H5HGprivate.h: H5HG_MINSIZE, H5HG_MAXIDX


class NewDataset(NamedTuple):
    """A dataset to be written.

    Arguments:
        path: The groups around it and its name, with slashes.
        dtype: A number, little-endian, or opaque bytes.
        shape: The shape.
        attribute: Name and text of an attribute.
    """

    path: str
    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    attribute: tuple[str, str] | None = None


def plan_hdf5(datasets: Sequence[NewDataset]) -> tuple[bytes, list[int]]:
    """Return the bytes before the first value, and where the values of each dataset begin.

    They follow in the order given, each at the next multiple of eight, and nothing after them.

    Raises:
        SaveError: Some have names that no file can hold, or exclude each other.
    """
    problems = list(_problems(datasets))
    if problems:
        raise SaveError("these names cannot stand in one HDF5 file", problems=problems)
    file = bytearray(_SUPERBLOCK)
    texts = iter(_add_texts(file, [one.attribute[1] for one in datasets if one.attribute]))
    headers, groups = [], dict[bytes, dict[bytes, int]]({b"": {}})
    for one in datasets:
        said = dataset_header(one.dtype, one.shape, one.attribute and one.attribute[0])
        headers.append(_add(file, said[:TEXT_AT] + next(texts) if one.attribute else said))
        group, _, name = one.path.encode().rpartition(b"/")
        groups.setdefault(group, {})[name] = headers[-1]
    root = _add_groups(file, groups)
    end, starts = len(file), []
    for header in headers:
        (size,) = struct.unpack_from("<Q", file, header + ADDRESS_AT + 8)
        starts.append(end + -end % 8 if size else end)
        if size:  # what has no elements is nowhere
            struct.pack_into("<Q", file, header + ADDRESS_AT, starts[-1])
            end = starts[-1] + size
    file[:_SUPERBLOCK] = _superblock(end, root)
    return bytes(file), starts


def _problems(datasets: Sequence[NewDataset]) -> Iterator[Problem]:
    groups = {path for one in datasets for path in _above(one.path)}
    seen: set[str] = set()
    for one in datasets:
        place = f"datasets[{shown(one.path)}]"
        if "\0" in one.path or not {"", ".", ".."}.isdisjoint(one.path.split("/")):
            yield Problem(place, "has a name that no HDF5 file can hold")
        if one.path in groups:
            yield Problem(place, "is a group too")
        if one.path in seen:
            yield Problem(place, "is given twice")
        if len(one.shape) > MAX_RANK:
            yield Problem(place, f"has {len(one.shape)} axes, and HDF5 knows {MAX_RANK}", "shape")
        seen.add(one.path)


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _add(file: bytearray, data: bytes) -> int:
    address = len(file)
    file += padded(data)
    return address


def _add_texts(file: bytearray, texts: Sequence[str]) -> list[bytes]:
    """Put texts into global heaps, and return what stands for each in an attribute."""
    places: list[bytes] = []
    for part in _cut([text.encode() for text in texts], _IN_HEAP):
        heap = b"".join(
            struct.pack("<HH4xQ", at, 1, len(row)) + padded(row) for at, row in enumerate(part, 1)
        )
        size = max(_LEAST_HEAP, 16 + len(heap) + 16)
        heap += struct.pack("<HH4xQ", 0, 0, size - 16 - len(heap))  # the rest is free
        head = struct.pack("<4sB3xQ", b"GCOL", 1, size)
        address = _add(file, (head + heap).ljust(size, b"\0"))
        places += [struct.pack("<IQI", len(row), address, at) for at, row in enumerate(part, 1)]
    return places


def _add_groups(file: bytearray, groups: dict[bytes, dict[bytes, int]]) -> int:
    """Put groups into the file, the inner ones first, and return the address of the outermost."""
    for path in list(groups):
        while path := path.rpartition(b"/")[0]:
            groups.setdefault(path, {})
    for path in sorted(filter(None, groups), key=lambda one: (-one.count(b"/"), one)):
        above, _, name = path.rpartition(b"/")
        groups[above][name] = _add_group(file, groups[path])
    return _add_group(file, groups[b""])


def _add_group(file: bytearray, members: Mapping[bytes, int]) -> int:
    """Put a group into the file: its names, and a B-tree over them; return its address."""
    names, rows = bytearray(8), []
    for name in sorted(members):
        rows.append((len(names), members[name]))
        names += padded(name + b"\0")
    place = _add(file, bytes(names))
    heap = struct.pack("<4sB3xQQQ", b"HEAP", 0, len(names), _NO_FREE_SPACE, place)
    heap_place = _add(file, heap)
    children = [(part[-1][0], _add(file, _leaf(part))) for part in _cut(rows, _IN_LEAF)]
    return _add(file, group_header(_add_tree(file, children), heap_place))


Rows = Sequence[tuple[int, int]]


def _leaf(rows: Rows) -> bytes:
    symbols = b"".join(struct.pack("<QQ24x", name, header) for name, header in rows)
    return (struct.pack("<4sBxH", b"SNOD", 1, len(rows)) + symbols).ljust(_LEAF, b"\0")


def _add_tree(file: bytearray, children: Rows, level: int = 0) -> int:
    """Put the nodes of one level into the file, and what is above; return the root's address.

    Arguments:
        file: The file so far.
        children: The greatest name in each child, and its address.
        level: How far from the leaves.
    """
    first, parts, before = len(file), _cut(children, _IN_NODE) or [[]], 0
    for at, part in enumerate(parts):
        left = first + (at - 1) * _NODE if at else NOWHERE
        right = first + (at + 1) * _NODE if at + 1 < len(parts) else NOWHERE
        node = struct.pack("<4sBBHQQQ", b"TREE", 0, level, len(part), left, right, before)
        node += b"".join(struct.pack("<QQ", child, name) for name, child in part)
        _add(file, node.ljust(_NODE, b"\0"))
        before = part[-1][0] if part else 0
    if len(parts) == 1:
        return first
    above = [(part[-1][0], first + at * _NODE) for at, part in enumerate(parts)]
    return _add_tree(file, above, level + 1)


def _cut(rows: Sequence[T], count: int) -> list[Sequence[T]]:
    return [rows[start : start + count] for start in range(0, len(rows), count)]


def _superblock(end: int, root: int) -> bytes:
    versions = bytes((0, 0, 0, 0, 0, 8, 8, 0))
    limits = struct.pack("<HHI", _IN_LEAF // 2, _IN_NODE // 2, 0)
    places = struct.pack("<QQQQ", 0, NOWHERE, end, NOWHERE)
    return SIGNATURE + versions + limits + places + struct.pack("<QQ24x", 0, root)
