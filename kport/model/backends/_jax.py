"""JAX: arrays never change, so a variable takes a new one."""

from __future__ import annotations

from typing import Any

import jax
import keras
import numpy as np

from kport.checkpoint import Array
from kport.model.backends._memory import aligned_zeros

__all__ = ["adopt", "buffer_for", "host_view", "zeros"]


def host_view(variable: keras.Variable) -> Array:
    """Return the values as a NumPy array; on the CPU a read-only view of JAX's own memory."""
    return np.asarray(variable.value)


def buffer_for(variable: keras.Variable) -> Array:
    """Return new memory; the file itself must not be aliased, since it can change on disk."""
    return aligned_zeros(tuple(variable.shape), variable.dtype)


def adopt(variable: keras.Variable, buffer: Array) -> None:
    """Make the memory an array on the variable's devices, in its layout if it has one.

    On the CPU the array is the memory itself, which nobody else knows.
    """
    # A distribution puts the parts of a host array where they belong.
    laid_out = getattr(variable, "_layout", None) is not None
    variable.assign(buffer if laid_out else jax.device_put(buffer))


def zeros(shape: tuple[int, ...], dtype: str) -> Any:
    """Return an array of zeros that on the CPU takes no memory until it is replaced."""
    return jax.device_put(aligned_zeros(shape, dtype))
