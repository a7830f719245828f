"""The bytes of an array as files hold them, and their checksum."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from kport.checkpoint._dtypes import numpy_dtype

if TYPE_CHECKING:
    from kport.checkpoint._tensor import Array

__all__ = ["STORED_AS", "checksum", "copy_bytes", "plain_bytes"]

STORED_AS = {"int4": "int8", "uint4": "uint8"}
"""Dtypes that no file format knows -> the one their elements are stored as, one a byte."""

_STEP = 1 << 20  # what stays in a processor's cache


def plain_bytes(values: Array) -> memoryview:
    """Return the bytes in C order and little-endian, copied only where they are not so already."""
    name = values.dtype.name
    plain = np.ascontiguousarray(values, numpy_dtype(STORED_AS.get(name, name)))
    return plain.reshape(-1).view(np.uint8).data


def copy_bytes(values: Array, target: Array) -> int:
    """Copy values into an array of the same shape and dtype, and return their checksum.

    Each step is copied and summed while it is in the processor's cache, so the memory is walked
    once. Other threads run meanwhile.
    """
    source, place, found = plain_bytes(values), plain_bytes(target), 0
    for start in range(0, len(source), _STEP):
        step = slice(start, start + _STEP)
        np.copyto(np.frombuffer(place[step], np.uint8), np.frombuffer(source[step], np.uint8))
        found = zlib.crc32(place[step], found)
    return found


def checksum(values: Array) -> int:
    """Return the CRC-32 of an array's plain bytes: the same in every format that holds it.

    CRC-32 finds every flipped bit and every burst of up to 32; it is no proof against a forger,
    which the SHA-256 of the files is, and runs at some 3 GB/s, four times as fast.

    Example:
        >>> checksum(np.arange(3, dtype="f4"))
        818461808
    """
    data, found = plain_bytes(values), 0
    for start in range(0, len(data), _STEP):
        found = zlib.crc32(data[start : start + _STEP], found)
    return found
