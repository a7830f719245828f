"""The checksum of HDF5's newer blocks: Bob Jenkins's lookup3, `hashlittle` with the seed 0.

Source: `H5_checksum_lookup3` (src/H5checksum.c of HDF5 1.14); the algorithm is in the public
domain, http://burtleburtle.net/bob/c/lookup3.c.
"""

from __future__ import annotations

import struct

from kport.errors import CorruptFileError
from kport.formats.hdf5._image import Cursor

__all__ = ["check", "lookup3"]

_MASK = 0xFFFFFFFF


def check(cursor: Cursor) -> None:
    """Compare what was read so far with the checksum that comes next.

    Raises:
        CorruptFileError: They disagree.
    """
    data = cursor.data[: cursor.at]
    if lookup3(data) != cursor.number(4):
        raise CorruptFileError(f"{cursor.what} is damaged: its checksum is wrong")


def lookup3(data: bytes) -> int:
    """Return the checksum of some bytes.

    Example:
        >>> hex(lookup3(b"Four score and seven years ago"))
        '0x17770551'
    """
    a = b = c = (0xDEADBEEF + len(data)) & _MASK
    if not data:
        return c
    words = struct.unpack(f"<{-(-len(data) // 12) * 3}I", data + bytes(-len(data) % 12))
    for at in range(0, len(words) - 3, 3):
        a, b, c = a + words[at], b + words[at + 1], c + words[at + 2]
        a, b, c = _mixed(a & _MASK, b & _MASK, c & _MASK)
    a, b, c = (x + y & _MASK for x, y in zip((a, b, c), words[-3:], strict=True))
    return _finished(a, b, c)


def _mixed(a: int, b: int, c: int) -> tuple[int, int, int]:
    a = (a - c & _MASK) ^ (c << 4 & _MASK | c >> 28)
    c = c + b & _MASK
    b = (b - a & _MASK) ^ (a << 6 & _MASK | a >> 26)
    a = a + c & _MASK
    c = (c - b & _MASK) ^ (b << 8 & _MASK | b >> 24)
    b = b + a & _MASK
    a = (a - c & _MASK) ^ (c << 16 & _MASK | c >> 16)
    c = c + b & _MASK
    b = (b - a & _MASK) ^ (a << 19 & _MASK | a >> 13)
    a = a + c & _MASK
    c = (c - b & _MASK) ^ (b << 4 & _MASK | b >> 28)
    return a, b + a & _MASK, c


def _finished(a: int, b: int, c: int) -> int:
    c = (c ^ b) - (b << 14 & _MASK | b >> 18) & _MASK
    a = (a ^ c) - (c << 11 & _MASK | c >> 21) & _MASK
    b = (b ^ a) - (a << 25 & _MASK | a >> 7) & _MASK
    c = (c ^ b) - (b << 16 & _MASK | b >> 16) & _MASK
    a = (a ^ c) - (c << 4 & _MASK | c >> 28) & _MASK
    b = (b ^ a) - (a << 14 & _MASK | a >> 18) & _MASK
    return (c ^ b) - (b << 24 & _MASK | b >> 8) & _MASK
