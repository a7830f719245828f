"""A dataset as the source of a lazy tensor, its claims checked against the file.

Memory bound: a contiguous dataset is mapped, so a read costs the pages that are touched; a chunked
or compact one is read whole into one array at each read. Nothing is kept between reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from kport.checkpoint import Array, dtype_name, numpy_dtype
from kport.errors import CorruptFileError, UnreadableError, UnsafeFileError, mapped
from kport_compat.h5._container import Node, child, opened

__all__ = ["MAX_EXPANSION", "Stored", "stored"]

MAX_EXPANSION = 64
"""The values of a file take at most this many times its own bytes. Random weights compress by less
than two and rows of zeros by a thousand, so a real file of weights stays below; a file that claims
more is a decompression bomb."""

# Deflate, shuffle, Fletcher-32, szip, n-bit, scale-offset, and LZF, which h5py brings along. For
# any other number the HDF5 library would look for a plug-in on the disk and load its code.
_FILTERS = frozenset({1, 2, 3, 4, 5, 6, 32000})


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """What a dataset holds, and how to get it."""

    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    source: Callable[[], Array]


def stored(dataset: Node, path: Path) -> Stored:
    """Check a dataset and return what it holds.

    Raises:
        UnsafeFileError: Its values lie in another file or need a plug-in.
        UnreadableError: It holds text, objects or records.
        CorruptFileError: It claims more than the file has.
    """
    import h5py

    if not isinstance(dataset, h5py.Dataset):
        raise CorruptFileError("is no dataset")
    creation = dataset.id.get_create_plist()
    layout = creation.get_layout()
    _refuse_foreign(dataset, creation)
    shape, dtype = _shape(dataset), _dtype(dataset)
    nbytes = prod(shape) * numpy_dtype(dtype).itemsize
    size = path.stat().st_size
    source = partial(_copied, path, dataset.name.lstrip("/"))
    if layout == h5py.h5d.CHUNKED:
        _check_filters(creation)
        _fits(nbytes, size * MAX_EXPANSION, f"a file of {size} bytes")
    elif nbytes:
        held = dataset.id.get_storage_size()
        _fits(nbytes, min(held, size), f"the {held} stored ones")
    if layout == h5py.h5d.CONTIGUOUS and nbytes and dataset.dtype.kind in "fiu":
        offset = dataset.id.get_offset()
        if offset is None or not 0 <= offset <= size - nbytes:
            raise CorruptFileError(f"claims {nbytes} bytes at {offset} of a file of {size} bytes")
        source = partial(_mapped, path, dataset.dtype.str, shape, offset)
    return Stored(shape, dtype, nbytes, source)


def _refuse_foreign(dataset: Node, creation: Any) -> None:
    if creation.get_external_count():
        raise UnsafeFileError("keeps its values in another file (external storage)")
    if dataset.is_virtual:
        raise UnsafeFileError("is put together from other datasets (virtual dataset)")


def _check_filters(creation: Any) -> None:
    for index in range(creation.get_nfilters()):
        code = creation.get_filter(index)[0]
        if code not in _FILTERS:
            raise UnsafeFileError(f"needs the HDF5 plug-in {code} to be decompressed")


def _shape(dataset: Node) -> tuple[int, ...]:
    if dataset.shape is None:
        raise CorruptFileError("is an empty (null) dataset")
    return tuple(int(size) for size in dataset.shape)


def _dtype(dataset: Node) -> str:
    try:
        return dtype_name(dataset.dtype)
    except (KeyError, TypeError):
        raise UnreadableError(f"holds {dataset.dtype}, expected numbers") from None


def _fits(nbytes: int, bound: int, what: str) -> None:
    if nbytes > bound:
        raise CorruptFileError(f"claims {nbytes} bytes of values, more than {what} can hold")


def _mapped(path: Path, dtype: str, shape: tuple[int, ...], offset: int) -> Array:
    with mapped(CorruptFileError, "has changed since it was opened", path=path):
        view = np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape)
        return _native(view)


def _copied(path: Path, name: str) -> Array:
    with opened(path) as file:
        dataset = child(file, name)
        stored(dataset, path)  # the file may be another one by now
        return _native(np.asarray(dataset[()]))


def _native(values: Array) -> Array:
    # Old writers on big-endian machines exist; HDF5 promises no alignment either.
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return np.asarray(little if little.flags.aligned else little.copy())
