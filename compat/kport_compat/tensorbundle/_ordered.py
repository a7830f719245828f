"""The keys under which a checkpoint keeps the slices of a tensor, in OrderedCode.

TensorFlow 1 slices partitioned variables; since 2.16 a sharded save slices any large one.

Format: ``tensorflow/core/lib/strings/ordered_code.cc`` and ``EncodeTensorNameSlice`` of
``tensorflow/core/util/saved_tensor_slice_util.cc``, TensorFlow 2.15.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Extent", "slice_key"]

Extent = tuple[int, int]
"""Start and length in one dimension; a length of -1 is all of it."""

_ESCAPES = {0x00: b"\x00\xff", 0xFF: b"\xff\x00"}


def slice_key(name: bytes, slices: Sequence[Extent]) -> bytes:
    r"""Return the key of one slice of a tensor.

    Example:
        >>> slice_key(b"w", [(0, -1), (64, 3)])
        b'\x00w\x00\x01\x01\x02\x80\x7f\xc0@\x83'
    """
    escaped = b"".join(_ESCAPES.get(byte, bytes([byte])) for byte in name)
    parts = [_unsigned(0), escaped, b"\x00\x01", _unsigned(len(slices))]
    for start, length in slices:
        parts += [_signed(start), _signed(length)]
    return b"".join(parts)


def _unsigned(value: int) -> bytes:
    size = (value.bit_length() + 7) // 8
    return bytes([size]) + value.to_bytes(size, "big")


def _signed(value: int) -> bytes:
    # As many bytes as there are leading ones; the value fills the bits behind them.
    size = (value if value >= 0 else ~value).bit_length() // 7 + 1
    header = ((1 << size) - 1) << (16 - size)
    bits = value & (1 << 8 * size) - 1 if size > 1 else value & 0xFF
    if size == 1:
        return bytes([bits ^ header >> 8])
    return (bits ^ header << 8 * (size - 2)).to_bytes(size, "big")
