"""JAX: arrays never change, so a variable takes a new one."""

from __future__ import annotations

import keras
import numpy as np

from kport.checkpoint import Array

__all__ = ["host_view", "put"]


def host_view(variable: keras.Variable) -> Array:
    """Return the values as a NumPy array; on the CPU a read-only view of JAX's own memory."""
    return np.asarray(variable.value)


def put(variable: keras.Variable, values: Array) -> None:
    """Copy the values onto the variable's devices, in its layout if it has one."""
    # JAX may alias a host array; the file behind a memory map can change under a live model.
    variable.assign(np.array(values))
