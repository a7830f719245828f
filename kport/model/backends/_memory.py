"""Host memory that a backend can take over as it is."""

from __future__ import annotations

import math

import numpy as np

from kport.checkpoint import Array, numpy_dtype

__all__ = ["aligned_zeros"]

# XLA and TensorFlow alias memory that begins at a multiple of this, and copy any other.
_ALIGNMENT = 64


def aligned_zeros(shape: tuple[int, ...], dtype: str) -> Array:
    """Return zeros that lie where XLA and TensorFlow take memory over without a copy.

    A page of them costs nothing until something is written to it: the system gives zeroed pages
    on demand, which `numpy.zeros` uses for all but small arrays.
    """
    wanted = numpy_dtype(dtype)
    size = math.prod(shape) * wanted.itemsize
    raw = np.zeros(size + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    return raw[start : start + size].view(wanted).reshape(shape)
