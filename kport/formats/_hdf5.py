"""Read HDF5 the careful way: nothing but plain datasets of this file, in place.

HDF5 can make a reader open other files (external links, external storage, virtual datasets) and
declare terabytes that are stored nowhere. None of that occurs in a file that Keras wrote, and all
of it is refused. See the HDF5 File Format Specification 3.0, sections IV.A.2.g (links), IV.A.2.h
(external data) and IV.A.2.i (layouts).

Memory: a contiguous dataset is a view of the mapped file; a chunked one is read whole, one at a
time, when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kport.checkpoint import Array, dtype_name, numpy_dtype
from kport.errors import CorruptFileError, UnsafeFileError, mapped
from kport.formats._mapped import Backing

if TYPE_CHECKING:
    import h5py

__all__ = ["StoredArray", "group_names", "stored_arrays"]

_MAX_DEPTH = 100  # groups in groups; Keras nests one or two a layer level
_MAX_OBJECTS = 1_000_000  # a model of 100,000 layers has half of that
_LAST_BUILTIN_FILTER = 255  # H5Zpublic.h: H5Z_FILTER_RESERVED 256 is the first of plug-ins
_MAX_EXPANSION = 1100  # DEFLATE cannot do better than 1032:1 (RFC 1951), so more is a bomb


@dataclass(frozen=True, slots=True, eq=False)
class StoredArray:
    """A numeric dataset of an HDF5 file.

    Arguments:
        path: Its path without a leading slash.
        shape: Its shape.
        dtype: A name of `kport.checkpoint.DTYPES`.
        source: Gives the values.
    """

    path: str
    shape: tuple[int, ...]
    dtype: str
    source: Callable[[], Array]


def stored_arrays(file: h5py.File, base: int, backing: Backing) -> dict[str, StoredArray]:
    """Return every numeric dataset of an open file by its path, strings left out.

    Arguments:
        file: The open file; it may be closed afterwards unless a dataset is chunked.
        base: Where in `backing` the HDF5 bytes begin.
        backing: The file on disk that holds them.

    Raises:
        UnsafeFileError: It leads out of itself, or declares what it does not store.
        CorruptFileError: A dataset lies outside of the file.
    """
    found = {}
    for path, dataset in _datasets(file, "", 0, set()):
        if dataset.dtype.kind in "OSU" and "dtype" not in dataset.attrs:
            continue
        _refuse_tricks(path, dataset)
        shape = tuple(int(size) for size in dataset.shape)
        dtype = _dtype(path, dataset)
        source = _source(path, dataset, dtype, base, backing)
        found[path] = StoredArray(path, shape, dtype, source)
    return found


def group_names(file: h5py.File) -> tuple[str, ...]:
    """Return the path of every group, of a file that `stored_arrays` has found harmless."""
    import h5py

    found: list[str] = []

    def note(name: str, node: object) -> None:
        if isinstance(node, h5py.Group):
            found.append(name)

    file.visititems(note)
    return tuple(found)


def _datasets(
    group: h5py.Group, path: str, depth: int, seen: set[Any]
) -> Iterator[tuple[str, h5py.Dataset]]:
    import h5py

    if depth > _MAX_DEPTH or len(seen) > _MAX_OBJECTS:
        raise UnsafeFileError(f"its HDF5 groups are nested or counted beyond reason at {path!r}")
    for name in group:
        below = f"{path}/{name}" if path else name
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            kind = "an external link" if isinstance(link, h5py.ExternalLink) else "a soft link"
            raise UnsafeFileError(f"{below!r} is {kind}, which is never followed")
        child = group[name]
        key = (child.file.id.id, h5py.h5o.get_info(child.id).addr)
        if isinstance(child, h5py.Dataset):
            if key in seen:  # a thousand names for one dataset are a bomb
                raise UnsafeFileError(f"{below!r} is a dataset that has another name, too")
            seen.add(key)
            yield below, child
        elif isinstance(child, h5py.Group):
            if key in seen:
                raise UnsafeFileError(f"{below!r} is a group that was met before: a cycle")
            seen.add(key)
            yield from _datasets(child, below, depth + 1, seen)


def _refuse_tricks(path: str, dataset: h5py.Dataset) -> None:
    if dataset.is_virtual:
        raise UnsafeFileError(f"{path!r} is a virtual dataset, which reads other files")
    if dataset.external:
        raise UnsafeFileError(f"{path!r} keeps its values in another file")
    creation = dataset.id.get_create_plist()
    for number in range(creation.get_nfilters()):
        code = creation.get_filter(number)[0]
        if code > _LAST_BUILTIN_FILTER:
            raise UnsafeFileError(
                f"{path!r} needs the HDF5 filter {code}, which would be loaded from elsewhere"
            )
    if dataset.shape is None:
        raise CorruptFileError(f"{path!r} has no values")
    stored, declared = dataset.id.get_storage_size(), dataset.nbytes
    if declared > stored * (_MAX_EXPANSION if dataset.chunks else 1):
        raise UnsafeFileError(f"{path!r} declares {declared} bytes of values and stores {stored}")


def _dtype(path: str, dataset: h5py.Dataset) -> str:
    # NumPy has no bfloat16 or float8; Keras stores their bytes as opaque values and names the
    # dtype in an attribute (H5IOStore.__setitem__, saving_lib.py of Keras 3.15.1).
    marked = dataset.attrs.get("dtype")
    with mapped(CorruptFileError, f"{path!r} is of no dtype a tensor can have"):
        return str(marked) if isinstance(marked, str) else dtype_name(dataset.dtype)


def _source(
    path: str, dataset: h5py.Dataset, dtype: str, base: int, backing: Backing
) -> Callable[[], Array]:
    with mapped(CorruptFileError, f"{path!r} is of no dtype a tensor can have"):
        wanted = numpy_dtype(dtype)
    if wanted.itemsize != dataset.dtype.itemsize:
        raise CorruptFileError(f"{path!r} is marked {dtype} and its values are {dataset.dtype}")
    stored = wanted if dataset.dtype.kind == "V" else dataset.dtype
    shape, offset = dataset.shape, dataset.id.get_offset()
    if dataset.nbytes == 0:
        return lambda: np.empty(shape, wanted)
    if offset is None:
        return lambda: np.asarray(dataset[()]).view(stored).astype(wanted, copy=False)
    start, stop = base + offset, base + offset + dataset.nbytes
    if stop > backing.size:
        raise CorruptFileError(
            f"is truncated: {path!r} ends at byte {stop} of a file of {backing.size}"
        )
    return lambda: backing.view(start, stop).view(stored).reshape(shape).astype(wanted, copy=False)
