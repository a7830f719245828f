"""Functions of Keras 2 that its graphs name whole (``keras/backend.py`` of 2.15)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kport_compat.ops._adapter import adapter, as_tensor, is_floating, ops

__all__: list[str] = []

_EPSILON = 1e-7  # of `keras.backend.epsilon`, which files do not hold


@adapter("keras.backend.batch_flatten")
def _batch_flatten(x: Any) -> Any:
    tensor = as_tensor(x)
    return ops.reshape(tensor, (-1, int(np.prod(tensor.shape[1:]))))


@adapter("keras.backend.cast_to_floatx")
def _cast_to_floatx(x: Any) -> Any:
    return ops.cast(as_tensor(x), "float32")


@adapter("keras.backend.print_tensor")
def _print_tensor(x: Any, message: str = "", summarize: int = 3) -> Any:
    """Printing changes no value."""
    return x


@adapter("keras.backend.binary_crossentropy")
def _binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    truth, found = _floating(target), _floating(output)
    if from_logits:
        return ops.relu(found) - found * truth + ops.log1p(ops.exp(-ops.abs(found)))
    found = ops.clip(found, _EPSILON, 1 - _EPSILON)
    return -(truth * ops.log(found + _EPSILON) + (1 - truth) * ops.log(1 - found + _EPSILON))


@adapter("keras.backend.categorical_crossentropy")
def _categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    truth, found = _floating(target), _floating(output)
    if from_logits:
        return -ops.sum(truth * ops.log_softmax(found, axis), axis=axis)
    found = found / ops.sum(found, axis=axis, keepdims=True)
    found = ops.clip(found, _EPSILON, 1 - _EPSILON)
    return -ops.sum(truth * ops.log(found), axis=axis)


def _floating(value: Any) -> Any:
    tensor = as_tensor(value)
    if not is_floating(ops.dtype(tensor)):
        raise NotImplementedError("cross-entropy of whole numbers")
    return tensor
