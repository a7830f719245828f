"""Taking parts of tensors (TensorFlow 2.15, ``tensorflow/python/ops/array_ops.py``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kport_compat.ops._adapter import (
    ADAPTERS,
    adapter,
    as_pair,
    as_tensor,
    integers,
    is_tensor,
    ops,
)

__all__: list[str] = []


def _indices(found: Any) -> Any:
    return found if is_tensor(found) else np.asarray(found, "int32")


def _batch_offsets(indices: Any, step: int) -> Any:
    """Return 0, step, 2 step, ... along the first axis, in the indices' rank."""
    one = ops.ones_like(ops.reshape(indices, (-1, int(np.prod(indices.shape[1:]))))[:, :1])
    count = (ops.cumsum(one, 0) - 1) * step
    return ops.reshape(count, (-1,) + (1,) * (len(indices.shape) - 1))


@adapter("gather")
def _gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: Any = None,
    batch_dims: Any = 0,
) -> Any:
    x, found = as_tensor(params), _indices(indices)
    if batch_dims < 0:
        batch_dims += len(found.shape)
    axis = batch_dims if axis is None else integers(axis)
    if not batch_dims:
        return ops.take(x, found, axis=axis)
    axis = axis + len(x.shape) if axis < 0 else axis
    found = as_tensor(found)
    if axis == batch_dims:
        return _batch_gather(x, found, batch_dims)
    if len(found.shape) != batch_dims + 1:
        raise NotImplementedError("gather of several indices a batch, behind the batch's axes")
    return ops.moveaxis(
        _batch_gather(ops.moveaxis(x, axis, batch_dims), found, batch_dims), batch_dims, axis
    )


def _batch_gather(x: Any, indices: Any, batch: int) -> Any:
    lead, size, rest = x.shape[1:batch], int(x.shape[batch]), tuple(x.shape[batch + 1 :])
    flat = ops.reshape(indices, (-1, *indices.shape[batch:]))
    flat = flat + _batch_offsets(flat, size)
    found = ops.take(ops.reshape(x, (-1, *rest)), flat, axis=0)
    return ops.reshape(found, (-1, *lead, *indices.shape[batch:], *rest))


@adapter("gather_nd")
def _gather_nd(params: Any, indices: Any, batch_dims: Any = 0) -> Any:
    x, found = as_tensor(params), _indices(indices)
    if batch_dims == 1:
        first = ops.ones_like(as_tensor(found)[..., :1])
        found = ops.concatenate([_batch_offsets(first, 1) * first, as_tensor(found)], axis=-1)
    elif batch_dims:
        raise NotImplementedError(f"gather_nd with batch_dims={batch_dims}")
    depth = int(found.shape[-1])
    sizes, rest = x.shape[1:depth], tuple(x.shape[depth:])
    steps = [int(np.prod(sizes[place:])) for place in range(depth)]
    linear = sum(found[..., place] * step for place, step in enumerate(steps))
    return ops.take(ops.reshape(x, (-1, *rest)), linear, axis=0)


@adapter("boolean_mask")
def _boolean_mask(tensor: Any, mask: Any, axis: Any = None) -> Any:
    if is_tensor(mask) or np.ndim(mask) != 1:
        raise NotImplementedError("boolean_mask by a tensor, which gives as many rows as are true")
    return ops.take(as_tensor(tensor), np.flatnonzero(mask), axis=integers(axis) or 0)


@adapter("tensor_scatter_nd_update")
def _scatter_update(tensor: Any, indices: Any, updates: Any) -> Any:
    x, values = as_pair(tensor, updates)
    return ops.scatter_update(x, as_tensor(indices), values)


@adapter("slice")
def _slice(input_: Any, begin: Any, size: Any) -> Any:
    first, counts = _list(begin), _list(size)
    ends = [None if n == -1 else a + n for a, n in zip(first, counts, strict=True)]
    spec = [{"start": a, "stop": end, "step": None} for a, end in zip(first, ends, strict=True)]
    return ADAPTERS["__operators__.getitem"](input_, spec)


def _list(found: Any) -> list[Any]:
    known = integers(found)
    return known if isinstance(known, list) else list(ops.unstack(known))


@adapter("strided_slice")
def _strided_slice(
    input_: Any,
    begin: Any,
    end: Any,
    strides: Any = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    var: Any = None,
) -> Any:
    first, last = _list(begin), _list(end)
    steps = [1] * len(first) if strides is None else _list(strides)
    spec: list[Any] = []
    for place, (a, b, step) in enumerate(zip(first, last, steps, strict=True)):
        bit = 1 << place
        if ellipsis_mask & bit:
            spec.append({"class_name": "__ellipsis__"})
        elif new_axis_mask & bit:
            spec.append(None)
        elif shrink_axis_mask & bit:
            spec.append(a)
        else:
            start = None if begin_mask & bit else a
            spec.append({"start": start, "stop": None if end_mask & bit else b, "step": step})
    return ADAPTERS["__operators__.getitem"](input_, spec)
