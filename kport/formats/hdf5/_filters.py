"""Undo what HDF5 did to a chunk before it was stored.

Source: HDF5 File Format Specification 3.0, section IV.A.2.l (filter pipelines), and the HDF5
library 1.14: H5Zdeflate.c, H5Zshuffle.c, H5Zfletcher32.c. LZF is h5py's (lzf/lzf_filter.c), its
format that of Marc Lehmann's LibLZF.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

import numpy as np

from kport.errors import CorruptFileError, UnreadableError, UnsafeFileError
from kport.formats.hdf5._image import Cursor

__all__ = ["FILTERS", "MAX_EXPANSION", "check_filters", "filters", "unfiltered"]

MAX_EXPANSION = 1100
"""DEFLATE cannot do better than 1032:1 (RFC 1951), so what claims more is a bomb."""

_LAST_BUILTIN = 255  # H5Zpublic.h: H5Z_FILTER_RESERVED 256 is the first of plug-ins


def filters(data: bytes) -> list[int]:
    """Return the numbers of the filters of a pipeline message.

    Raises:
        CorruptFileError: It is damaged.
    """
    cursor = Cursor(data, "a filter")
    version, count = cursor.number(1), cursor.number(1)
    if version not in (1, 2):
        raise CorruptFileError(f"filters are of version {version}")
    cursor.take(6 if version == 1 else 0)
    found = []
    for _ in range(count):
        number = cursor.number(2)
        named = version == 1 or number > _LAST_BUILTIN
        name, _, values = cursor.number(2) if named else 0, cursor.number(2), cursor.number(2)
        cursor.take(name + 4 * values + (4 * (values % 2) if version == 1 else 0))
        found.append(number)
    return found


def check_filters(numbers: Sequence[int]) -> None:
    """Refuse the filters that kport does not undo.

    Raises:
        UnsafeFileError: One is a plug-in, code from elsewhere.
        UnreadableError: One is of HDF5 and of no use for weights.
    """
    if len(set(numbers)) < len(numbers):  # compressed twice, a kilobyte makes a terabyte
        raise UnsafeFileError("goes through one HDF5 filter again and again")
    for number in numbers:
        if number not in FILTERS and number > _LAST_BUILTIN:
            raise UnsafeFileError(
                f"needs the HDF5 filter {number}, which would be loaded from elsewhere"
            )
        if number not in FILTERS:
            raise UnreadableError(
                f"is packed by the HDF5 filter {number}, which kport does not undo",
                remedy="Write the file again without compression, or with gzip.",
            )


def unfiltered(data: bytes, numbers: Sequence[int], mask: int, size: int, item: int) -> bytes:
    """Return a chunk as it was before the filters.

    Arguments:
        data: The stored bytes.
        numbers: The filters, in the order in which they were applied.
        mask: Has a bit for each of them that was left out.
        size: Bytes of the chunk.
        item: Bytes of a value.

    Raises:
        CorruptFileError: It is damaged.
    """
    for index in reversed(range(len(numbers))):
        if not mask >> index & 1:
            data = FILTERS[numbers[index]](data, size, item)
    if len(data) != size:
        raise CorruptFileError(f"a chunk has {len(data)} bytes, expected {size}")
    return data


def _inflated(data: bytes, size: int, item: int) -> bytes:
    stream = zlib.decompressobj()
    return stream.decompress(data, size + 8)  # a checksum of four may come after the values


def _unshuffled(data: bytes, size: int, item: int) -> bytes:
    count = len(data) // item
    columns = np.frombuffer(data, np.uint8, count * item).reshape(item, count)
    return columns.T.tobytes() + data[count * item :]


def _checked(data: bytes, size: int, item: int) -> bytes:
    values, told = data[:-4], int.from_bytes(data[-4:], "little")
    found = fletcher32(values)
    if len(data) < 4 or told not in (found, _swapped(found)):
        raise CorruptFileError("a chunk is damaged: its checksum is wrong")
    return values


def fletcher32(data: bytes) -> int:
    """Return the checksum of some bytes, as two sums modulo 65,535 of big-endian words."""
    words = np.frombuffer(data + bytes(len(data) % 2), ">u2").astype(np.uint64)
    first = second = 0
    for at in range(0, len(words), 1 << 16):  # few enough that 64 bits hold the sums
        part = words[at : at + (1 << 16)]
        weights = np.arange(len(part), 0, -1, dtype=np.uint64)
        second += first * len(part) + int((part * weights).sum())
        first += int(part.sum())
    return _folded(second) << 16 | _folded(first)


def _folded(total: int) -> int:
    # Adding carries back in gives 65,535 and not 0 for a multiple of it, unless all is 0.
    return total and (total - 1) % 65535 + 1


def _swapped(number: int) -> int:
    # HDF5 before 1.6.3 on little-endian machines; the library takes both
    return (number & 0x00FF00FF) << 8 | (number & 0xFF00FF00) >> 8


def _unpacked_lzf(data: bytes, size: int, item: int) -> bytes:
    out, cursor = bytearray(), Cursor(data, "a chunk")
    while cursor.left:
        control = cursor.number(1)
        if control < 32:  # a run of bytes as they are
            out += cursor.take(control + 1)
        else:
            length = control >> 5
            length += (cursor.number(1) if length == 7 else 0) + 2
            start = len(out) - (control & 31) * 256 - cursor.number(1) - 1
            if start < 0 or len(out) + length > size + 8:
                raise CorruptFileError("a chunk repeats what is not there")
            piece = bytes(out[start : start + length])
            out += (piece * (length // len(piece) + 1))[:length]
    return bytes(out)


FILTERS: dict[int, Callable[[bytes, int, int], bytes]] = {
    1: _inflated,
    2: _unshuffled,
    3: _checked,
    32000: _unpacked_lzf,
}
"""Number -> what undoes it."""
