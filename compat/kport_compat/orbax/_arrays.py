"""The arrays of an Orbax item: zarr, most often in an OCDBT database, read with TensorStore.

Both formats have compressed chunks and several versions; TensorStore, which wrote them, reads them
(https://google.github.io/tensorstore/kvstore/ocdbt, .../driver/zarr3).

Memory: no cache, and one chunk at a time; a read holds the values it gives, and a chunk both as it
is stored and as it is wanted. Orbax makes a chunk of what one device held, so one may be a whole
array.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from kport.checkpoint import DTYPES, Array, Box, numpy_dtype, slices_of
from kport.errors import CorruptFileError, UnreadableError, UnsafeFileError, UsageError, mapped
from kport.formats._json import shown
from kport_compat.orbax._folders import Tree

__all__ = ["StoredArray", "arrays_of"]

# What is said to be stored, by what is stored: zstd makes at most some 20,000 of one byte.
_MOST_INFLATED = 20_000

# Each thread keeps what it once needed for itself: without the limits, a dozen chunks.
_CONTEXT = {
    "cache_pool": {"total_bytes_limit": 0},
    "data_copy_concurrency": {"limit": 1},
    "file_io_concurrency": {"limit": 1},
}


class StoredArray:
    """An array whose values are unread."""

    def __init__(self, keys: tuple[str, ...], store: Any) -> None:
        self.keys = keys
        self._store = store
        self.shape = tuple(int(size) for size in store.shape)
        self.dtype = str(store.dtype.numpy_dtype.name)
        if self.dtype not in DTYPES:
            raise UnreadableError(f"the array {shown('.'.join(keys))} is {self.dtype}")

    @property
    def nbytes(self) -> int:
        """Bytes of the values."""
        return int(np.prod(self.shape, dtype=object)) * numpy_dtype(self.dtype).itemsize

    def source(self) -> Callable[[], Array]:
        """Return what gives the values."""
        return partial(self._read, None)

    def window(self) -> Callable[[Box], Array]:
        """Return what gives a part, out of the chunks that hold it."""
        return self._read

    def _read(self, box: Box | None) -> Array:
        with mapped(CorruptFileError, f"the array {shown('.'.join(self.keys))} cannot be read"):
            store = self._store if not box else self._store[slices_of(box)]
            return np.asarray(store.read().result())


def arrays_of(tree: Tree) -> list[StoredArray]:
    """Return the arrays of an item.

    Raises:
        UsageError: TensorStore is not installed.
        CorruptFileError: An array is not there, or damaged.
        UnsafeFileError: They are said to be larger than the files can hold.
    """
    tensorstore = _tensorstore()
    with mapped(CorruptFileError, "cannot be read", path=tree.folder):
        context = tensorstore.Context(_CONTEXT)
        opening = [
            tensorstore.open(_place(tree, keys), open=True, read=True, context=context)
            for keys in tree.keys
        ]
        pairs = zip(tree.keys, opening, strict=True)
        found = [StoredArray(keys, one.result()) for keys, one in pairs]
    there = sum(one.stat().st_size for one in tree.folder.rglob("*") if one.is_file())
    said = sum(one.nbytes for one in found)
    if said > there * _MOST_INFLATED:
        raise UnsafeFileError(f"says to hold {said} bytes of values in {there}", path=tree.folder)
    return found


def _place(tree: Tree, keys: tuple[str, ...]) -> dict[str, Any]:
    folder, name = f"{tree.folder.absolute()}/", ".".join(keys)
    base = {"driver": "file", "path": folder}
    if tree.together:
        store: dict[str, Any] = {"driver": "ocdbt", "base": base, "path": f"{name}/"}
    else:
        store = {"driver": "file", "path": f"{folder}{name}/"}
    return {"driver": tree.chunked_as, "kvstore": store}


def _tensorstore() -> ModuleType:
    try:
        import tensorstore
    except ImportError:
        raise UsageError(
            "is an Orbax checkpoint, and TensorStore, which reads those, is not installed",
            remedy="pip install 'keras-kport[orbax]'",
        ) from None
    return tensorstore
