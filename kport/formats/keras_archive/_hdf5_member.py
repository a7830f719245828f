"""Write the HDF5 member of an archive in one pass, its values straight from where they are.

HDF5 itself writes only the structure: every dataset is contiguous, allocated at once and never
filled, so its place in the file is known and on the disk it is a hole that takes no room. The
structure and the values are then put one after the other into the archive.

Source: `H5Pset_alloc_time`, `H5Pset_fill_time` and `H5Dget_offset` of the HDF5 reference manual.

Memory: the structure; of the values see `kport.formats._stream`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from kport.checkpoint import LazyTensor, numpy_dtype, plain_bytes
from kport.formats._stream import HashingWriter, Sum

if TYPE_CHECKING:
    import h5py

__all__ = ["write_hdf5"]

_NUMPY_KINDS = "biufc"  # what HDF5 knows; bfloat16 and float8 go in as opaque bytes
_STEP = 1 << 20

Place = tuple[int, LazyTensor]


def write_hdf5(
    target: BinaryIO, tensors: Iterable[LazyTensor], structure: Path, disk: BinaryIO
) -> dict[str, str]:
    """Write tensors to where plain Keras looks for them, and return tensor -> digest.

    Arguments:
        target: The member, open for writing bytes.
        tensors: Those with a Keras path.
        structure: A path for the structure, which is left there.
        disk: The file that the member is in.
    """
    places = _write_structure(structure, sorted(tensors, key=_keras_path))
    sums: dict[str, Sum] = {}
    with structure.open("rb") as file, HashingWriter(target, disk=disk) as writer:
        for offset, tensor in places:
            _copy(file, writer, offset - writer.size)
            sums[tensor.name] = writer.put(plain_bytes(tensor.read()))
            file.seek(writer.size)
        _copy(file, writer, structure.stat().st_size - writer.size)
    return {name: found.value for name, found in sums.items()}


def _write_structure(path: Path, tensors: list[LazyTensor]) -> list[Place]:
    """Write an HDF5 file without values; return where they belong, in the order of the bytes."""
    import h5py

    with h5py.File(path, "w") as file:
        manner = _manner()
        created = [(_create(file, one, *manner), one) for one in tensors]
        places = [(dataset.get_offset(), one) for dataset, one in created]
    # What has no elements has no place.
    return sorted(((offset or 0, one) for offset, one in places), key=_offset)


def _manner() -> tuple[h5py.h5p.PropDCID, h5py.h5p.PropLCID]:
    """How datasets are created and linked: the same for all, and slow to say for each."""
    from h5py import h5d, h5p

    creation, linking = h5p.create(h5p.DATASET_CREATE), h5p.create(h5p.LINK_CREATE)
    creation.set_alloc_time(h5d.ALLOC_TIME_EARLY)
    creation.set_fill_time(h5d.FILL_TIME_NEVER)
    creation.set_obj_track_times(False)
    linking.set_create_intermediate_group(True)
    return creation, linking


def _create(
    file: h5py.File,
    tensor: LazyTensor,
    creation: h5py.h5p.PropDCID,
    linking: h5py.h5p.PropLCID,
) -> h5py.h5d.DatasetID:
    from h5py import h5d, h5s, h5t

    dtype = numpy_dtype(tensor.dtype)
    opaque = dtype.kind not in _NUMPY_KINDS
    stored = np.dtype(f"V{dtype.itemsize}") if opaque else dtype
    name = _keras_path(tensor).encode()
    space = h5s.create_simple(tensor.shape) if tensor.shape else h5s.create(h5s.SCALAR)
    kind = h5t.py_create(stored, logical=True)
    dataset = h5d.create(file.id, name, kind, space, creation, linking)
    if opaque:
        file[_keras_path(tensor)].attrs["dtype"] = tensor.dtype
    return dataset


def _copy(file: BinaryIO, writer: HashingWriter, size: int) -> None:
    while size > 0:
        step = file.read(min(size, _STEP))
        writer.put(step)
        size -= len(step)


def _keras_path(tensor: LazyTensor) -> str:
    return tensor.keras_path or ""


def _offset(place: Place) -> int:
    return place[0]
