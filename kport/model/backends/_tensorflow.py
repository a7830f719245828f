"""TensorFlow: a variable is a buffer of its own; values are copied in."""

from __future__ import annotations

import keras
import numpy as np

from kport.checkpoint import Array

__all__ = ["host_view", "put"]


def host_view(variable: keras.Variable) -> Array:
    """Return the values as a NumPy array."""
    return np.asarray(variable.numpy())


def put(variable: keras.Variable, values: Array) -> None:
    """Copy the values into the variable."""
    variable.assign(values)
