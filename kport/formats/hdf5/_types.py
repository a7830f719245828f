"""What a value is: the datatype and the dataspace of a dataset or an attribute.

Source: HDF5 File Format Specification 3.0, sections IV.A.2.b (dataspace) and IV.A.2.d (datatype).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from kport.errors import CorruptFileError
from kport.formats.hdf5._image import Cursor

__all__ = ["IEEE", "MAX_RANK", "Datatype", "Shape", "datatype", "shape"]

Shape = tuple[int, ...] | None
"""None for a dataspace that has no elements, not even one."""

MAX_RANK = 32  # H5Spublic.h: H5S_MAX_RANK
_NULL = 2

_INTEGER, _FLOAT, _STRING, _OPAQUE, _COMPOUND, _ENUM, _VARIABLE = 0, 1, 3, 5, 6, 8, 9
_WORDS = {2: "times", 4: "bits", 6: "records", 7: "references", 8: "an enumeration", 10: "arrays"}

# size -> where exponent and mantissa are and how long, and the bias of the exponent (IEEE 754)
IEEE = {2: (10, 5, 0, 10, 15), 4: (23, 8, 0, 23, 127), 8: (52, 11, 0, 52, 1023)}


@dataclass(frozen=True, slots=True)
class Datatype:
    """What one value is.

    Arguments:
        size: Its bytes in the file.
        dtype: What it is to NumPy; None where it is no number.
        text: How a text ends: ``variable``, or the byte that fills a fixed one up.
        words: What it is called in errors.
    """

    size: int
    dtype: np.dtype[np.generic] | None = None
    text: str | bytes | None = None
    words: str = "numbers"


def shape(data: bytes) -> Shape:
    """Return the shape that a dataspace message tells.

    Raises:
        CorruptFileError: It is damaged.
    """
    cursor = Cursor(data, "a shape")
    version, rank = cursor.number(1), cursor.number(1)
    cursor.take(1)
    if version not in (1, 2) or rank > MAX_RANK:
        raise CorruptFileError(f"a shape is of version {version} and rank {rank}")
    if version == 1:
        cursor.take(5)
    elif cursor.number(1) == _NULL:
        return None
    return tuple(cursor.number() for _ in range(rank))


@lru_cache(maxsize=64)  # those of a model's values are few and the same
def datatype(data: bytes) -> Datatype:
    """Return what a datatype message tells.

    Raises:
        CorruptFileError: It is damaged.
    """
    return _datatype(Cursor(data, "a datatype"))


def _datatype(cursor: Cursor) -> Datatype:
    both, bits, size = cursor.number(1), cursor.number(3), cursor.number(4)
    version, kind = both >> 4, both & 15
    if not size or not 1 <= version <= 5:  # 5 came with HDF5 2.0
        raise CorruptFileError(f"a datatype is of version {version} and has {size} bytes")
    if kind == _INTEGER:
        return _integer(cursor, bits, size)
    if kind == _FLOAT:
        return _float(cursor, bits, size)
    if kind == _STRING:
        return Datatype(size, text=b" " if bits & 15 == 2 else b"\0", words="text")
    if kind == _VARIABLE:
        return Datatype(size, text="variable", words="text" if bits & 15 == 1 else "lists")
    if kind == _OPAQUE:
        return Datatype(size, np.dtype(f"V{size}"), words="opaque bytes")
    if kind == _ENUM:
        return _boolean(cursor, version, bits & 0xFFFF, size)
    if kind == _COMPOUND:
        return _complex(cursor, version, bits & 0xFFFF, size)
    return Datatype(size, words=_WORDS.get(kind, f"datatype {kind} of HDF5"))


def _integer(cursor: Cursor, bits: int, size: int) -> Datatype:
    offset, precision = cursor.number(2), cursor.number(2)
    if size not in (1, 2, 4, 8) or offset or precision != 8 * size:
        return Datatype(size, words=f"integers of {precision} bits")
    return Datatype(size, np.dtype(f"{'>' if bits & 1 else '<'}{'i' if bits & 8 else 'u'}{size}"))


def _float(cursor: Cursor, bits: int, size: int) -> Datatype:
    offset, precision = cursor.number(2), cursor.number(2)
    places, bias = tuple(cursor.number(1) for _ in range(4)), cursor.number(4)
    usual = not bits & 0x40 and (bits >> 4) & 3 == 2 and bits >> 8 & 0xFF == 8 * size - 1
    if not usual or offset or precision != 8 * size or (*places, bias) != IEEE.get(size):
        return Datatype(size, words=f"floats of {precision} bits in a form of their own")
    return Datatype(size, np.dtype(f"{'>' if bits & 1 else '<'}f{size}"))


def _boolean(cursor: Cursor, version: int, count: int, size: int) -> Datatype:
    """h5py keeps booleans as an enumeration of a byte (h5py/h5t.pyx, `_c_bool`)."""
    base = _datatype(cursor)
    names = [cursor.name(version < 3) for _ in range(count)]
    values = [cursor.number(base.size) for _ in range(count)]
    if dict(zip(names, values, strict=True)) == {b"FALSE": 0, b"TRUE": 1} and size == 1:
        return Datatype(size, np.dtype(bool))
    return base if base.size == size else Datatype(size, words=_WORDS[_ENUM])


def _complex(cursor: Cursor, version: int, count: int, size: int) -> Datatype:
    """h5py keeps complex numbers as records of the fields r and i (h5py/h5t.pyx, `_c_complex`)."""
    found = []
    for _ in range(count):
        name = cursor.name(version < 3)
        offset = cursor.number(4 if version < 3 else (size.bit_length() + 7) // 8)
        if version == 1:
            cursor.take(28)
        member = _datatype(cursor)
        found.append((name, offset, member.dtype))
    for letter, half in (("<", 4), (">", 4), ("<", 8), (">", 8)):
        part = np.dtype(f"{letter}f{half}")
        if found == [(b"r", 0, part), (b"i", half, part)] and size == 2 * half:
            return Datatype(size, np.dtype(f"{letter}c{2 * half}"))
    return Datatype(size, words="records")
