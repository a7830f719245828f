"""What the header of a new dataset says: where its values are, their datatype and their shape.

Source: HDF5 File Format Specification 3.0, sections IV.A.1.a (object headers of version 1),
IV.A.2.b (dataspace), IV.A.2.d (datatype), IV.A.2.f (fill value), IV.A.2.i (data layout) and
IV.A.2.m (attribute).
"""

from __future__ import annotations

import struct
from functools import lru_cache
from math import prod

import numpy as np

from kport.formats.hdf5._types import IEEE

__all__ = ["ADDRESS_AT", "TEXT_AT", "dataset_header", "group_header", "padded"]

ADDRESS_AT = 26
"""Where in a `dataset_header` the address of the values stands."""

TEXT_AT = -16
"""Where what stands for the text of an attribute does, if there is one."""

_DATASPACE, _DATATYPE, _FILL, _LAYOUT = 0x01, 0x03, 0x05, 0x08
_ATTRIBUTE, _SYMBOL_TABLE = 0x0C, 0x11
_NO_FILL = bytes((2, 1, 1, 0))  # version, allocated at once, filled never, with nothing
_SCALAR = struct.pack("<BBB5x", 1, 0, 0)
# A sequence of characters in UTF-8 that ends in a zero, each of one byte.
_TEXT = bytes.fromhex("19010100 10000000 10000000 01000000 00000800")


@lru_cache(maxsize=64)  # those of a model's values are few and the same
def dataset_header(
    dtype: np.dtype[np.generic], shape: tuple[int, ...], attribute: str | None
) -> bytes:
    """Return the header of a dataset in one piece, as if it had no values.

    Arguments:
        dtype: Little-endian.
        shape: The shape.
        attribute: The name of an attribute whose value is a text, empty so far.
    """
    size = dtype.itemsize * prod(shape)
    messages = [
        _message(_LAYOUT, struct.pack("<BBqQ", 3, 1, -1, size)),
        _message(_DATATYPE, _datatype(dtype)),
        _message(_DATASPACE, struct.pack(f"<BBB5x{len(shape)}Q", 1, len(shape), 0, *shape)),
        _message(_FILL, _NO_FILL),
    ]
    if attribute is not None:
        name = attribute.encode() + b"\0"
        sizes = struct.pack("<BxHHH", 1, len(name), len(_TEXT), len(_SCALAR))
        parts = padded(name) + padded(_TEXT) + _SCALAR + bytes(-TEXT_AT)
        messages.append(_message(_ATTRIBUTE, sizes + parts))
    return _header(messages)


def group_header(tree: int, heap: int) -> bytes:
    """Return the header of a group whose names are in a B-tree and a local heap."""
    return _header([_message(_SYMBOL_TABLE, struct.pack("<QQ", tree, heap))])


def padded(data: bytes) -> bytes:
    """Return bytes and zeros up to a multiple of eight, which all in a file begins at."""
    return data + bytes(-len(data) % 8)


def _header(messages: list[bytes]) -> bytes:
    size = sum(map(len, messages))
    return struct.pack("<BxHII4x", 1, len(messages), 1, size) + b"".join(messages)


def _message(kind: int, data: bytes) -> bytes:
    data = padded(data)
    return struct.pack("<HHB3x", kind, len(data), 0) + data


def _datatype(dtype: np.dtype[np.generic]) -> bytes:
    """Return the datatype that h5py writes for a dtype."""
    size, bits = dtype.itemsize, 8 * dtype.itemsize
    if dtype.kind in "iu":
        return struct.pack("<BBxxIHH", 0x10, 8 * (dtype.kind == "i"), size, 0, bits)
    if dtype.kind == "f":
        *places, bias = IEEE[size]
        return struct.pack("<BBBxIHH4BI", 0x11, 0x20, bits - 1, size, 0, bits, *places, bias)
    if dtype.kind == "b":  # an enumeration of a byte
        names = padded(b"FALSE\0") + padded(b"TRUE\0")
        return struct.pack("<BHxI", 0x18, 2, 1) + _datatype(np.dtype("i1")) + names + b"\0\1"
    if dtype.kind == "c":  # a record of two numbers
        half = size // 2
        number = _datatype(np.dtype(f"<f{half}"))
        fields = [padded(b"r\0") + bytes(32) + number]
        fields += [padded(b"i\0") + struct.pack("<I28x", half) + number]
        return struct.pack("<BHxI", 0x16, 2, size) + b"".join(fields)
    return struct.pack("<B3xI", 0x15, size)  # opaque bytes
