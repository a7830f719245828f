"""Read the variable-length integers of protobuf and LevelDB: seven bits a byte, low ones first.

Format: https://protobuf.dev/programming-guides/encoding/#varints
"""

from __future__ import annotations

from kport.errors import CorruptFileError

__all__ = ["Bytes", "read_varint"]

Bytes = bytes | memoryview

_MAX_BITS = 64


def read_varint(data: Bytes, at: int) -> tuple[int, int]:
    r"""Return the unsigned number at a place and the place behind it.

    Raises:
        CorruptFileError: It is cut off or has more than 64 bits.

    Example:
        >>> read_varint(b"\x00\xac\x02", 1)
        (300, 3)
    """
    value = shift = 0
    while shift < _MAX_BITS and at < len(data):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> _MAX_BITS:
                break
            return value, at
        shift += 7
    raise CorruptFileError(f"has no whole number of at most 64 bits before byte {at}")
