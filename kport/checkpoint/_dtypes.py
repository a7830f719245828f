"""The dtype names of a Checkpoint: Keras's own, each with its NumPy dtype."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import numpy as np

__all__ = ["DTYPES", "FLOATS", "dtype_name", "name_of", "numpy_dtype"]

_NUMPY = (
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
)
# NumPy has no such dtypes; ml_dtypes (a dependency of Keras) gives them, one element a byte or two.
_ML = (
    "bfloat16",
    "float8_e4m3fn",
    "float8_e5m2",
    "int4",
    "uint4",
)

DTYPES = frozenset(_NUMPY + _ML)
"""Every dtype name a tensor of a Checkpoint may have."""

FLOATS = frozenset(name for name in DTYPES if name.lstrip("b").startswith("float"))
"""Those of real floating-point numbers."""


@cache
def numpy_dtype(name: str) -> np.dtype[Any]:
    """Return the little-endian NumPy dtype of a Keras dtype name.

    Raises:
        KeyError: The name is not in `DTYPES`.

    Example:
        >>> numpy_dtype("bfloat16").itemsize
        2
    """
    if name in _ML:
        import ml_dtypes

        dtype: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
        return dtype
    if name in _NUMPY:
        return np.dtype(name).newbyteorder("<")
    raise KeyError(name)


@lru_cache(maxsize=256)  # files may hold opaque values of any size
def name_of(dtype: np.dtype[Any]) -> str:
    """Return NumPy's name of a dtype, which NumPy makes anew each time that it is asked."""
    return str(dtype.name)


def dtype_name(dtype: object) -> str:
    """Return the Keras name of a NumPy dtype, whatever its byte order.

    Raises:
        KeyError: The dtype is none a Checkpoint can hold (strings, objects, records).
    """
    name = name_of(np.dtype(dtype))  # type: ignore[call-overload]  # any dtype-like is meant
    if name not in DTYPES:
        raise KeyError(name)
    return name
