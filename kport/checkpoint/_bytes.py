"""The bytes of an array as files hold them, and their digest.

BLAKE3 is the one hash of kport's own formats: as strong as SHA-256, and cheaper than a CRC-32, so
that every tensor can have one and every load can look at it. It runs outside of Python's lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from blake3 import blake3

from kport.checkpoint._dtypes import numpy_dtype

if TYPE_CHECKING:
    from kport.checkpoint._tensor import Array

__all__ = ["STORED_AS", "copy_bytes", "digest", "digest_of", "plain_bytes"]

STORED_AS = {"int4": "int8", "uint4": "uint8"}
"""Dtypes that no file format knows -> the one their elements are stored as, one a byte."""

_STEP = 1 << 20  # what stays in a processor's cache


def plain_bytes(values: Array) -> memoryview:
    """Return the bytes in C order and little-endian, copied only where they are not so already."""
    name = values.dtype.name
    plain = np.ascontiguousarray(values, numpy_dtype(STORED_AS.get(name, name)))
    return plain.reshape(-1).view(np.uint8).data


def copy_bytes(values: Array, target: Array) -> str:
    """Copy values into an array of the same shape and dtype, and return their digest.

    Each step is copied and hashed while it is in the processor's cache, so the memory is walked
    once. Other threads run meanwhile.
    """
    source, place, found = plain_bytes(values), plain_bytes(target), blake3()
    for start in range(0, len(source), _STEP):
        step = slice(start, start + _STEP)
        np.copyto(np.frombuffer(place[step], np.uint8), np.frombuffer(source[step], np.uint8))
        found.update(place[step])
    return found.hexdigest()


def digest(data: bytes | memoryview) -> str:
    """Return the BLAKE3 of some bytes in hexadecimal.

    Example:
        >>> digest(b"abc")[:16]
        '6437b3ac38465133'
    """
    return blake3(data).hexdigest()


def digest_of(values: Array) -> str:
    """Return the digest of an array's plain bytes: the same in every format that holds it.

    Example:
        >>> digest_of(np.frombuffer(b"abc", "u1"))[:16]
        '6437b3ac38465133'
    """
    return digest(plain_bytes(values))
