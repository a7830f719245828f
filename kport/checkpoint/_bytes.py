"""The bytes of an array as files hold them, and their digest.

BLAKE3 is the one hash of kport's own formats: as strong as SHA-256, and cheaper than a CRC-32, so
that every tensor can have one and every load can look at it. It runs outside of Python's lock.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from blake3 import blake3

from kport.checkpoint._dtypes import name_of, numpy_dtype

if TYPE_CHECKING:
    from kport.checkpoint._tensor import Array

__all__ = [
    "STORED_AS",
    "BlockSource",
    "ByteSource",
    "copy_from",
    "digest",
    "digest_of",
    "digest_through",
    "fill_bytes",
    "plain_bytes",
]

STORED_AS = {"int4": "int8", "uint4": "uint8"}
"""Dtypes that no file format knows -> the one their elements are stored as, one a byte."""

Copy = Callable[[memoryview, int], None]

_STEP = 1 << 24  # large, as each step waits for Python's lock twice


def plain_bytes(values: Array) -> memoryview:
    """Return the bytes in C order and little-endian, copied only where they are not so already."""
    name = name_of(values.dtype)
    plain = np.ascontiguousarray(values, numpy_dtype(STORED_AS.get(name, name)))
    return plain.reshape(-1).view(np.uint8).data


class ByteSource(ABC):
    """Gives the values of a tensor, and can copy their plain bytes to where they are wanted."""

    @abstractmethod
    def __call__(self) -> Array:
        """Return the values."""

    @abstractmethod
    def copy_to(self, target: memoryview, start: int) -> None:
        """Fill memory with the plain bytes from one on, counted from the first of the tensor."""


class BlockSource(ABC):
    """Gives the values of a tensor, and a few rows at a time where the whole is in no one place."""

    @abstractmethod
    def __call__(self) -> Array:
        """Return the values, put together in new memory."""

    @abstractmethod
    def blocks(self) -> Iterator[Array]:
        """Yield all rows in order, some at a time."""


def fill_bytes(target: memoryview, copy_to: Copy) -> str:
    """Fill memory with the plain bytes of a tensor, and return their digest.

    Other threads run meanwhile.
    """
    found = blake3()
    for start in range(0, len(target), _STEP):
        step = target[start : start + _STEP]
        copy_to(step, start)
        found.update(step)
    return found.hexdigest()


def digest_through(copy_to: Copy, size: int) -> str:
    """Return the digest of the plain bytes of a tensor, without memory for all of them."""
    found, place = blake3(), memoryview(bytearray(min(size, _STEP)))
    for start in range(0, size, _STEP):
        step = place[: size - start]
        copy_to(step, start)
        found.update(step)
    return found.hexdigest()


def copy_from(values: Array) -> Copy:
    """Return what copies the plain bytes of an array; see `ByteSource.copy_to`."""
    source = np.frombuffer(plain_bytes(values), np.uint8)

    def copy(target: memoryview, start: int) -> None:
        np.frombuffer(target, np.uint8)[:] = source[start : start + len(target)]

    return copy


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
