"""Reductions (TensorFlow 2.15, ``tensorflow/python/ops/math_ops.py``, ``sort_ops.py``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kport_compat.ops._adapter import (
    ADAPTERS,
    adapter,
    as_tensor,
    dtype_word,
    held,
    integers,
    is_floating,
    is_tensor,
    ops,
)

__all__: list[str] = []

_OF_FLOATS = frozenset({"mean", "std", "var", "logsumexp"})


def _reduction(symbols: str, name: str, host: str | None = None) -> None:
    def call(
        input_tensor: Any,
        axis: Any = None,
        keepdims: bool | None = None,
        keep_dims: bool | None = None,
        reduction_indices: Any = None,
    ) -> Any:
        axis = integers(reduction_indices if axis is None else axis)
        axis = tuple(axis) if isinstance(axis, list) else axis
        keep = bool(keepdims or keep_dims)
        if host is not None and not is_tensor(input_tensor):
            return getattr(np, host)(np.asarray(input_tensor), axis=axis, keepdims=keep)
        x = as_tensor(input_tensor)
        if axis == ():
            axis, x, keep = -1, ops.expand_dims(x, -1), False  # over no axis: each one alone
        whole = not is_floating(ops.dtype(x)) and ops.dtype(x) != "bool"
        if whole and name == "mean":  # TensorFlow divides the sum and cuts off
            count = ops.sum(ops.ones_like(x), axis=axis, keepdims=keep)
            total = ops.sum(x, axis=axis, keepdims=keep)
            return ops.cast(ADAPTERS["truncatediv"](total, count), ops.dtype(x))
        if whole and name in _OF_FLOATS:
            raise NotImplementedError(f"{name} of integers, which TensorFlow refuses")
        found = getattr(ops, name)(x, axis=axis, keepdims=keep)
        return ops.cast(found, ops.dtype(x)) if whole else found  # Keras widens small integers

    adapter(symbols)(call)


_reduction("math.reduce_sum reduce_sum", "sum")
_reduction("math.reduce_mean reduce_mean", "mean")
_reduction("math.reduce_max reduce_max", "max")
_reduction("math.reduce_min reduce_min", "min")
_reduction("math.reduce_prod reduce_prod", "prod", "prod")
_reduction("math.reduce_all reduce_all", "all")
_reduction("math.reduce_any reduce_any", "any")
_reduction("math.reduce_std", "std")
_reduction("math.reduce_variance", "var")
_reduction("math.reduce_logsumexp reduce_logsumexp", "logsumexp")


def _arg(symbols: str, name: str) -> None:
    def call(
        input: Any,  # noqa: A002  # TensorFlow's own name for it
        axis: Any = None,
        output_type: Any = "int64",
        dimension: Any = None,
    ) -> Any:
        axis = integers(dimension if axis is None else axis)
        found = getattr(ops, name)(as_tensor(input), axis=0 if axis is None else axis)
        return ops.cast(found, held(dtype_word(output_type)))

    adapter(symbols)(call)


_arg("math.argmax argmax", "argmax")
_arg("math.argmin argmin", "argmin")


@adapter("math.top_k nn.top_k")
def _top_k(
    input: Any,  # noqa: A002  # TensorFlow's own name for it
    k: Any = 1,
    sorted: bool = True,  # noqa: A002
    index_type: Any = "int32",
) -> Any:
    values, indices = ops.top_k(as_tensor(input), integers(k), sorted=sorted)
    return values, ops.cast(indices, held(dtype_word(index_type)))


@adapter("sort")
def _sort(values: Any, axis: int = -1, direction: str = "ASCENDING") -> Any:
    found = ops.sort(as_tensor(values), axis=axis)
    return ops.flip(found, axis) if direction == "DESCENDING" else found


@adapter("argsort")
def _argsort(
    values: Any, axis: Any = -1, direction: str = "ASCENDING", stable: bool = False
) -> Any:
    x = as_tensor(values)
    if direction == "DESCENDING":
        x = ops.negative(x)
    return ops.cast(ops.argsort(x, axis=integers(axis)), "int32")


@adapter("math.reduce_euclidean_norm reduce_euclidean_norm")
def _reduce_euclidean_norm(input_tensor: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return ops.sqrt(ADAPTERS["reduce_sum"](ops.square(as_tensor(input_tensor)), axis, keepdims))


@adapter("math.count_nonzero count_nonzero math.count_nonzero_v2")
def _count_nonzero(
    input: Any = None,  # noqa: A002
    axis: Any = None,
    keepdims: bool | None = None,
    dtype: Any = "int64",
    input_tensor: Any = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Any:
    x = as_tensor(input if input_tensor is None else input_tensor)
    ones = ops.cast(ops.not_equal(x, ops.zeros_like(x)), held(dtype_word(dtype)))
    axis = reduction_indices if axis is None else axis
    return ADAPTERS["reduce_sum"](ones, axis, bool(keepdims or keep_dims))


@adapter("searchsorted")
def _searchsorted(
    sorted_sequence: Any, values: Any, side: str = "left", output_type: Any = "int32"
) -> Any:
    found = ops.searchsorted(as_tensor(sorted_sequence), as_tensor(values), side)
    return ops.cast(found, held(dtype_word(output_type)))
