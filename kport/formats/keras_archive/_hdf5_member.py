"""Write the HDF5 member of an archive in one pass, its values straight from where they are.

Memory: the structure of the file; of the values see `kport.formats._stream`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

import numpy as np

from kport.checkpoint import LazyTensor, numpy_dtype
from kport.formats._stream import HashingWriter, Sum
from kport.formats.hdf5 import NewDataset, plan_hdf5

__all__ = ["write_hdf5"]

_NUMPY_KINDS = "biufc"  # what HDF5 knows; bfloat16 and float8 go in as opaque bytes


def write_hdf5(
    target: BinaryIO, tensors: Iterable[LazyTensor], disk: BinaryIO | None = None
) -> dict[str, str]:
    """Write tensors to where plain Keras looks for them, and return tensor -> digest.

    Arguments:
        target: The member, open for writing bytes.
        tensors: Those with a Keras path.
        disk: The file that the member is in.

    Raises:
        SaveError: Their Keras paths exclude each other.
    """
    ordered = sorted(tensors, key=_keras_path)
    head, starts = plan_hdf5([_dataset(one) for one in ordered])
    sums: dict[str, Sum] = {}
    with HashingWriter(target, disk=disk) as writer:
        writer.put(head)
        for start, tensor in zip(starts, ordered, strict=True):
            if start > writer.size:
                writer.put(bytes(start - writer.size))
            sums[tensor.name] = writer.put_tensor(tensor)
    return {name: found.value for name, found in sums.items()}


def _dataset(tensor: LazyTensor) -> NewDataset:
    dtype = numpy_dtype(tensor.dtype)
    if dtype.kind in _NUMPY_KINDS:
        return NewDataset(_keras_path(tensor), dtype, tensor.shape)
    opaque, mark = np.dtype(f"V{dtype.itemsize}"), ("dtype", tensor.dtype)
    return NewDataset(_keras_path(tensor), opaque, tensor.shape, mark)


def _keras_path(tensor: LazyTensor) -> str:
    return tensor.keras_path or ""
