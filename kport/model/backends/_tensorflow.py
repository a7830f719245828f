"""TensorFlow: a variable is a buffer that can be exchanged."""

from __future__ import annotations

import contextlib
from typing import Any

import keras
import ml_dtypes
import numpy as np
import tensorflow as tf

from kport.checkpoint import Array
from kport.model.backends._memory import aligned_memory, aligned_zeros

__all__ = [
    "ZEROS_ARE_SHARED",
    "adopt",
    "buffer_for",
    "generator_state",
    "host_view",
    "randomness_apart",
    "states_in",
    "states_of",
    "zeros",
]

ZEROS_ARE_SHARED = True  # a buffer that several variables hold is copied before it is written to

# What both a buffer of Python and DLPack can tell.
_WIDTHS = ("8", "16", "32", "64")
_INTEGERS = [f"{sort}{width}" for sort in ("int", "uint") for width in _WIDTHS]
_PLAIN = frozenset(np.dtype(name).type for name in (*_INTEGERS, "float16", "float32", "float64"))


def host_view(value: Any) -> Array:
    """Return a value as a NumPy array; on the CPU a view of TensorFlow's own memory.

    TensorFlow gives a variable new memory when it is written to while such a view is there.
    """
    tensor = tf.convert_to_tensor(value)
    if tensor.dtype == tf.bfloat16:  # a buffer of Python has no such dtype
        return np.asarray(memoryview(tf.bitcast(tensor, tf.uint16))).view(ml_dtypes.bfloat16)
    if tensor.dtype.as_numpy_dtype in _PLAIN:
        return np.asarray(memoryview(tensor))
    return np.asarray(tensor.numpy())


def buffer_for(variable: keras.Variable) -> Array:
    """Return new memory."""
    return aligned_memory(tuple(variable.shape), variable.dtype)


def adopt(variable: keras.Variable, buffer: Array) -> None:
    """Make the memory the variable's buffer; on the CPU without a copy."""
    variable.assign(_tensor(buffer))


def zeros(shape: tuple[int, ...], dtype: str) -> Any:
    """Return a tensor of zeros that on the CPU takes no memory until it is replaced."""
    return _tensor(aligned_zeros(shape, dtype))


def _tensor(values: Array) -> Any:
    if values.dtype == ml_dtypes.bfloat16:
        return tf.bitcast(_tensor(values.view(np.uint16)), tf.bfloat16)
    if values.dtype.type in _PLAIN and values.ndim:
        return tf.experimental.dlpack.from_dlpack(values.__dlpack__())
    return tf.constant(values)


def states_in(thing: object) -> dict[str, Any]:
    """Return what is changed in place of a thing that is no layer of Keras."""
    return {"": thing} if isinstance(thing, tf.Variable) else {}


def states_of(layer: object) -> dict[str, Any]:
    """Return what the backend itself keeps with a layer: nothing that is no attribute."""
    return {}


def generator_state() -> bytes | None:
    """Return nothing: Keras draws none of TensorFlow's own generator."""
    return None


def randomness_apart() -> contextlib.AbstractContextManager[None]:
    """Let random numbers go on as they did: Keras draws none of TensorFlow's own generator."""
    return contextlib.nullcontext()
