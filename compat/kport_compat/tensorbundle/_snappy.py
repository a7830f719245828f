"""Decode one block of raw Snappy; the index of a checkpoint may be packed with it.

TensorFlow's own writers never pack the index, and some public files were packed nevertheless.
Only the index comes through here, so speed does not matter.

Format: https://github.com/google/snappy/blob/main/format_description.txt
"""

from __future__ import annotations

from kport.errors import CorruptFileError
from kport_compat.tensorbundle._varint import Bytes, read_varint

__all__ = ["unpack"]

_MAX_RATIO = 32  # the best a block can do is a copy: three bytes for 64


def unpack(data: Bytes) -> bytes:
    r"""Return the bytes that were packed.

    Raises:
        CorruptFileError: It is damaged, or claims more than it can hold.

    Example:
        >>> unpack(b"\x06\x04ab\x01\x02")
        b'ababab'
    """
    size, at = read_varint(data, 0)
    if size > _MAX_RATIO * len(data):
        raise CorruptFileError(f"claims {size} bytes in a packed block of {len(data)} bytes")
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at = _literal(data, at, out) if tag & 3 == 0 else _copy(data, at, out)
        if len(out) > size:
            raise CorruptFileError(f"has a packed block that gives more than its {size} bytes")
    if len(out) != size:
        raise CorruptFileError(f"has a packed block that gives {len(out)} of its {size} bytes")
    return bytes(out)


def _literal(data: Bytes, at: int, out: bytearray) -> int:
    length, at = data[at] >> 2, at + 1
    if length >= 60:
        width = length - 59
        length, at = _number(data, at, width), at + width
    if at + length + 1 > len(data):
        raise CorruptFileError("has a packed block that is cut off")
    out += data[at : at + length + 1]
    return at + length + 1


def _copy(data: Bytes, at: int, out: bytearray) -> int:
    tag = data[at]
    width = (1, 2, 4)[(tag & 3) - 1]
    offset = _number(data, at + 1, width)
    length = (tag >> 2) + 1
    if width == 1:
        length, offset = ((tag >> 2) & 7) + 4, offset | (tag >> 5) << 8
    if not 0 < offset <= len(out):
        raise CorruptFileError("has a packed block that copies from before its beginning")
    start = len(out) - offset
    for place in range(start, start + length):  # one by one: a copy may read what it writes
        out.append(out[place])
    return at + 1 + width


def _number(data: Bytes, at: int, width: int) -> int:
    if at + width > len(data):
        raise CorruptFileError("has a packed block that is cut off")
    return int.from_bytes(data[at : at + width], "little")
