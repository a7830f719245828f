"""Host memory that a backend can take over as it is.

Memory: large values get pages of their own, which go back to the system with them. What malloc
keeps for later is not free: it is filled with zeros first, so the zeros that a variable holds
until it gets its values would take as much as those.
"""

from __future__ import annotations

import contextlib
import math
import mmap
from collections.abc import Callable

import numpy as np

from kport.checkpoint import Array, numpy_dtype
from kport.model.backends._files import FILES

__all__ = ["aligned_memory", "aligned_zeros"]

# XLA and TensorFlow alias memory that begins at a multiple of this, and copy any other.
_ALIGNMENT = 64
_LARGE = 1 << 20  # bytes from which a call to the system costs nothing beside the pages
_HUGE = 1 << 22  # bytes from which large pages are asked for, as NumPy does
_FORK = {"flags": mmap.MAP_PRIVATE} if hasattr(mmap, "MAP_PRIVATE") else {}


def aligned_zeros(shape: tuple[int, ...], dtype: str) -> Array:
    """Return zeros that lie where XLA and TensorFlow take memory over without a copy.

    A page of them costs nothing until something is written to it.
    """
    return _shaped(shape, dtype, _pages)


def aligned_memory(shape: tuple[int, ...], dtype: str) -> Array:
    """Return such zeros for values that are to be written at once; see `values_in_files`."""
    return _shaped(shape, dtype, FILES[-1].take if FILES else _pages)


def _shaped(shape: tuple[int, ...], dtype: str, large: Callable[[int], Array]) -> Array:
    wanted = numpy_dtype(dtype)
    size = math.prod(shape) * wanted.itemsize
    raw = large(size) if size >= _LARGE else np.zeros(size + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    return raw[start : start + size].view(wanted).reshape(shape)


def _pages(size: int) -> Array:
    region = mmap.mmap(-1, size, **_FORK)
    if size >= _HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):  # a kernel without them
            region.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(region, np.uint8)
