"""The numeric datasets of an HDF5 file: what they claim held against what is there.

HDF5 can make a reader open other files (external links, external storage, virtual datasets), load a
plug-in for a filter, and declare terabytes that are stored nowhere. None of that occurs in a file
that Keras wrote, and all of it is refused.

Memory: values in one piece are a view of the mapped file; those in chunks are put together, one
dataset at a time, when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np

from kport.checkpoint import Array, dtype_name, numpy_dtype
from kport.errors import CorruptFileError, KportError, UnreadableError, UnsafeFileError, mapped
from kport.formats._mapped import Backing, in_place
from kport.formats.hdf5._filters import MAX_EXPANSION, check_filters
from kport.formats.hdf5._layout import Chunks, Piece, together
from kport.formats.hdf5._nodes import Dataset, Group, Node

__all__ = ["StoredArray", "group_names", "stored_array", "stored_arrays"]

_MAX_DEPTH = 100  # groups in groups; Keras nests one or two a layer level


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


def stored_arrays(root: Group, backing: Backing, base: int = 0) -> dict[str, StoredArray]:
    """Return every numeric dataset of a file by its path, strings left out.

    Arguments:
        root: Its root.
        backing: The file on disk that holds them.
        base: Where in `backing` the HDF5 bytes begin.

    Raises:
        UnsafeFileError: It leads out of itself, or declares what it does not store.
        CorruptFileError: A dataset lies outside of the file.
    """
    found = {}
    for path, node in _nodes(root, "", set()):
        if isinstance(node, Dataset):
            with _named(path):
                if node.datatype.text is None or "dtype" in node.attributes:
                    found[path] = stored_array(node, backing, base)
    return found


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Name the dataset in errors of what knows none."""
    try:
        yield
    except KportError as error:
        raise type(error)(f"{path!r} {error.message}", remedy=error.remedy) from error.__cause__


def group_names(root: Group) -> tuple[str, ...]:
    """Return the path of every group of a file.

    Raises:
        UnsafeFileError: Groups are nested in a circle or beyond reason, or a link leads elsewhere.
    """
    return tuple(path for path, node in _nodes(root, "", set()) if isinstance(node, Group))


def _nodes(group: Group, above: str, seen: set[Node], depth: int = 0) -> Iterator[tuple[str, Node]]:
    """Yield path and object of all that is in a group, in the order of the names."""
    if depth > _MAX_DEPTH:
        raise UnsafeFileError(f"its HDF5 groups are nested beyond reason at {above!r}")
    seen.add(group)
    for name in group:
        node, path = group[name], f"{above}/{name}" if above else name
        if node in seen:  # a thousand names for one dataset are a bomb
            raise UnsafeFileError(f"{path!r} was met before as {node.path!r}")
        seen.add(node)
        yield path, node
        if isinstance(node, Group):
            yield from _nodes(node, path, seen, depth + 1)


def stored_array(dataset: Dataset, backing: Backing, base: int = 0) -> StoredArray:
    """Return what a dataset holds.

    Arguments:
        dataset: The dataset.
        backing: The file on disk that holds it.
        base: Where in `backing` the HDF5 bytes begin.

    Raises:
        UnsafeFileError: Its values lie in another file, need a plug-in, or are more than is stored.
        UnreadableError: It holds no numbers.
        CorruptFileError: It is damaged.
    """
    shape, layout = dataset.shape, dataset.layout
    dtype, stored = _dtypes(dataset)
    check_filters(dataset.filters)
    if shape is None:
        raise CorruptFileError("has no values")
    declared = prod(shape) * dataset.datatype.size
    if declared > layout.stored * (MAX_EXPANSION if isinstance(layout, Chunks) else 1):
        raise UnsafeFileError(f"declares {declared} bytes of values and stores {layout.stored}")
    source: Callable[[], Array]
    if declared == 0:
        empty = np.empty(shape, stored)
        source = partial(empty.view, stored)
    elif isinstance(layout, Chunks):
        layout.check(shape, stored.itemsize)
        about = dataset.filters, dataset.path  # and not the dataset, which holds the file
        source = partial(_put_together, layout, backing, base, shape, stored, *about)
    else:
        source = _in_place(layout, backing, base, declared)
    values: Callable[[], Array] = partial(_values, source, shape, stored, dtype)
    plain = stored == numpy_dtype(dtype) and dtype != "bool"  # of which not every byte is one
    if plain and isinstance(layout, Piece) and layout.address is not None:
        values = in_place(values, backing, base + layout.address)
    return StoredArray(dataset.path, shape, dtype, values)


def _dtypes(dataset: Dataset) -> tuple[str, np.dtype[np.generic]]:
    """Return the dtype that the values have, and the one they are stored in."""
    # NumPy has no bfloat16 or float8; Keras stores their bytes as opaque values and names the
    # dtype in an attribute (H5IOStore.__setitem__, saving_lib.py of Keras 3.15.1).
    kind = dataset.datatype
    marked = dataset.attributes.get("dtype")
    if kind.dtype is None:
        raise UnreadableError(f"holds {kind.words}, expected numbers")
    with mapped(CorruptFileError, "is of no dtype a tensor can have"):
        name = marked.texts[0] if marked is not None else dtype_name(kind.dtype)
        wanted = numpy_dtype(name)
    if wanted.itemsize != kind.size:
        raise CorruptFileError(f"is marked {name} and its values are {kind.dtype}")
    return name, wanted if kind.dtype.kind == "V" else kind.dtype


def _in_place(piece: Piece, backing: Backing, base: int, size: int) -> Callable[[], Array]:
    if piece.address is None:
        return partial(np.frombuffer, piece.data, np.uint8, size)
    start = base + piece.address
    return partial(backing.view, start, start + size)


def _values(
    source: Callable[[], Array], shape: tuple[int, ...], stored: np.dtype[np.generic], dtype: str
) -> Array:
    # What big-endian machines wrote is turned round.
    return source().view(stored).reshape(shape).astype(numpy_dtype(dtype), copy=False)


def _put_together(
    chunks: Chunks,
    backing: Backing,
    base: int,
    shape: tuple[int, ...],
    dtype: np.dtype[np.generic],
    filters: list[int],
    path: str,
) -> Array:
    with mapped(CorruptFileError, f"{path!r} cannot be read"):
        parts = ((one, backing.view(base + one.start, base + one.stop)) for one in chunks.parts)
        return together(chunks, parts, shape, dtype, filters)
