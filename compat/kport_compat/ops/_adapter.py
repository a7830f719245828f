"""The registry of adapters: what a TensorFlow function is in terms of `keras.ops`.

An adapter takes the arguments of the TensorFlow function under their TensorFlow names and gives
what that function gives, on any backend. Values that are known without a tensor (shapes and what
is computed from them) are NumPy arrays, so that a compiled backend can use them as shapes.

Importing an adapter's module imports no Keras: `ops` below does so when it is first used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = [
    "ADAPTERS",
    "adapter",
    "as_pair",
    "dtype_word",
    "held",
    "host",
    "integers",
    "is_floating",
    "is_tensor",
    "ops",
    "simple",
]

Adapter = Callable[..., Any]

ADAPTERS: dict[str, Adapter] = {}
"""TensorFlow symbol, without ``tf.`` and ``compat.v1.`` -> adapter."""


class _LazyOps:
    def __getattr__(self, name: str) -> Any:
        import keras

        return getattr(keras.ops, name)


ops: Any = _LazyOps()
"""`keras.ops`, imported at the first use."""


def adapter(symbols: str) -> Callable[[Adapter], Adapter]:
    """Register a function as the adapter of some symbols, separated by spaces."""

    def register(function: Adapter) -> Adapter:
        for symbol in symbols.split():
            ADAPTERS[symbol] = function
        return function

    return register


def simple(symbols: str, name: str, first: str = "x") -> None:
    """Register a `keras.ops` function of one tensor.

    Arguments:
        symbols: The TensorFlow symbols.
        name: The name in `keras.ops`.
        first: How TensorFlow names the argument.
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        value = args[0] if args else kwargs.pop(first)
        if kwargs or len(args) > 1:
            raise TypeError(f"{name} takes one tensor, got also {sorted(kwargs) or args[1:]}")
        return getattr(ops, name)(as_tensor(value))

    adapter(symbols)(call)


def is_tensor(value: Any) -> bool:
    """Whether it is a tensor of the backend, and no NumPy or Python value."""
    import keras

    return bool(keras.ops.is_tensor(value))


def as_tensor(value: Any) -> Any:
    """Return a tensor of the value, in the dtype TensorFlow would give it."""
    if is_tensor(value):
        return value
    return ops.convert_to_tensor(value, dtype=dtype_of(value))


def as_pair(x: Any, y: Any) -> tuple[Any, Any]:
    """Return both as tensors of one dtype: a constant takes the dtype of the tensor beside it.

    Two values that are known without a tensor stay NumPy arrays.
    """
    if is_tensor(x) == is_tensor(y):
        return (x, y) if is_tensor(x) else (host(x), host(y))
    if is_tensor(x):
        return x, ops.convert_to_tensor(y, dtype=ops.dtype(x))
    return ops.convert_to_tensor(x, dtype=ops.dtype(y)), y


def host(value: Any) -> Any:
    """Return a NumPy array in the dtype TensorFlow gives to Python numbers."""
    if isinstance(value, np.ndarray | np.generic):
        return value
    return np.asarray(value, dtype_of(value))


def dtype_of(value: Any) -> str:
    """Return the dtype TensorFlow gives to a value that is no tensor."""
    kind = np.asarray(value).dtype
    if isinstance(value, np.ndarray | np.generic):
        return kind.name
    return {"f": "float32", "i": "int32", "b": "bool", "c": "complex64"}.get(kind.kind, kind.name)


def dtype_word(dtype: Any) -> str:
    """Return the dtype as a word: Keras 2 writes ``float32`` or ``tf.float32``."""
    word = str(getattr(dtype, "name", dtype)).removeprefix("tf.").removesuffix("_ref")
    return {"half": "float16", "float": "float32", "double": "float64"}.get(word, word)


def held(word: str) -> str:
    """Return the dtype in which the backend holds whole numbers: JAX has 32 bits for them."""
    import keras

    jax = keras.backend.backend() == "jax"
    return {"int64": "int32", "uint64": "uint32"}.get(word, word) if jax else word


def integers(value: Any) -> Any:
    """Return an axis, shape or permutation as Python integers where it is known."""
    if is_tensor(value) or value is None:
        return value
    if isinstance(value, list | tuple):
        return [integers(one) for one in value]
    found = np.asarray(value).tolist()
    return [int(one) for one in found] if isinstance(found, list) else int(found)


def is_floating(dtype: str) -> bool:
    """Whether it is a dtype of real numbers."""
    return "float" in dtype
