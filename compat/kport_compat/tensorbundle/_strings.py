"""Tensors of strings in a bundle: varint lengths, their checksum, then the texts.

Source: ``WriteStringTensor`` of ``tensorflow/core/util/tensor_bundle/tensor_bundle.cc`` (TF 2.15).
"""

from __future__ import annotations

import numpy as np

from kport.checkpoint import Array
from kport.errors import CorruptFileError
from kport_compat.tensorbundle._crc32c import extend, mask
from kport_compat.tensorbundle._varint import read_varint

__all__ = ["split_texts"]


def split_texts(count: int, checksum: int, data: Array) -> list[bytes]:
    """Return the strings of a tensor: lengths, the checksum of those, and the texts behind it.

    Arguments:
        count: How many there are.
        checksum: The masked CRC-32C that the index gives.
        data: The bytes of the whole tensor.

    Raises:
        CorruptFileError: They do not add up, or the checksum is another.
    """
    at = 0
    if count > data.nbytes:
        raise CorruptFileError(f"claims {count} strings in {data.nbytes} bytes")
    view, lengths = data.data, []
    for _ in range(count):
        length, at = read_varint(view, at)
        lengths.append(length)
    if at + 4 + sum(lengths) != data.nbytes:
        raise CorruptFileError("holds strings whose lengths do not add up")
    # A length counts as the fixed number of the writer's memory, not as it is stored.
    fixed = b"".join(one.to_bytes(4 if one < 1 << 32 else 8, "little") for one in lengths)
    value = extend(0, np.frombuffer(fixed, np.uint8))
    stored = int.from_bytes(view[at : at + 4], "little")
    if mask(value) != stored or mask(extend(value, data[at:])) != checksum:
        raise CorruptFileError("holds strings with a wrong checksum: they are damaged")
    texts, at = [], at + 4
    for length in lengths:
        texts.append(bytes(view[at : at + length]))
        at += length
    return texts
