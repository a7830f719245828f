"""Shapes and rearrangement (TensorFlow 2.15, ``tensorflow/python/ops/array_ops.py``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kport_compat.ops._adapter import (
    adapter,
    as_pair,
    as_tensor,
    dtype_word,
    host,
    integers,
    is_tensor,
    ops,
)

__all__: list[str] = []


@adapter("shape")
def _shape(
    input: Any,  # noqa: A002  # TensorFlow's own name for it
    out_type: Any = "int32",
    optimize: bool = True,
) -> Any:
    sizes = ops.shape(as_tensor(input))
    if all(isinstance(size, int) for size in sizes):
        return np.array(sizes, dtype_word(out_type or "int32"))
    return ops.cast(ops.stack(list(sizes)), dtype_word(out_type or "int32"))


@adapter("rank")
def _rank(input: Any) -> Any:  # noqa: A002
    return np.array(len(as_tensor(input).shape), "int32")


@adapter("reshape")
def _reshape(tensor: Any, shape: Any) -> Any:
    if not is_tensor(tensor) and not is_tensor(shape):
        return host(tensor).reshape(integers(shape))
    return ops.reshape(as_tensor(tensor), _sizes(shape))


@adapter("broadcast_to")
def _broadcast_to(input: Any, shape: Any) -> Any:  # noqa: A002
    return ops.broadcast_to(as_tensor(input), _sizes(shape))


def _sizes(shape: Any) -> Any:
    found = integers(shape)
    return tuple(found) if isinstance(found, list) else found


@adapter("expand_dims")
def _expand_dims(input: Any, axis: Any = None, dim: Any = None) -> Any:  # noqa: A002
    return ops.expand_dims(as_tensor(input), integers(dim if axis is None else axis))


@adapter("squeeze")
def _squeeze(input: Any, axis: Any = None, squeeze_dims: Any = None) -> Any:  # noqa: A002
    found = integers(squeeze_dims if axis is None else axis)
    found = tuple(found) if isinstance(found, list) else found
    return ops.squeeze(as_tensor(input), axis=None if found == () else found)


@adapter("transpose")
def _transpose(a: Any, perm: Any = None, conjugate: bool = False) -> Any:
    if conjugate:
        raise NotImplementedError("transpose with conjugate=True")
    return ops.transpose(as_tensor(a), integers(perm))


@adapter("concat")
def _concat(values: Any, axis: Any) -> Any:
    if not any(is_tensor(one) for one in values):
        return np.concatenate([host(one) for one in values], integers(axis))
    return ops.concatenate([as_tensor(one) for one in values], axis=integers(axis))


@adapter("stack")
def _stack(values: Any, axis: Any = 0) -> Any:
    if not any(is_tensor(one) for one in values):
        return np.stack([host(one) for one in values], integers(axis))
    return ops.stack([as_tensor(one) for one in values], axis=integers(axis))


@adapter("unstack")
def _unstack(value: Any, num: Any = None, axis: Any = 0) -> Any:
    return list(ops.unstack(as_tensor(value), num=integers(num), axis=integers(axis)))


@adapter("split")
def _split(value: Any, num_or_size_splits: Any, axis: Any = 0, num: Any = None) -> Any:
    sizes = integers(num_or_size_splits)
    value = as_tensor(value)
    if isinstance(sizes, list):
        if -1 in sizes:
            rest = value.shape[integers(axis)] - sum(size for size in sizes if size != -1)
            sizes = [rest if size == -1 else size for size in sizes]
        sizes = np.cumsum(sizes)[:-1].tolist()
    return list(ops.split(value, sizes, axis=integers(axis)))


@adapter("tile")
def _tile(input: Any, multiples: Any) -> Any:  # noqa: A002
    return ops.tile(as_tensor(input), _sizes(multiples))


@adapter("pad")
def _pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0) -> Any:
    mode = mode.lower()
    values = constant_values if mode == "constant" else None
    return ops.pad(as_tensor(tensor), integers(paddings), mode=mode, constant_values=values)


@adapter("gather")
def _gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: Any = None,
    batch_dims: Any = 0,
) -> Any:
    if batch_dims:
        raise NotImplementedError(f"gather with batch_dims={batch_dims}")
    found = indices if is_tensor(indices) else np.asarray(indices, "int32")
    return ops.take(as_tensor(params), found, axis=0 if axis is None else integers(axis))


@adapter("reverse")
def _reverse(tensor: Any, axis: Any) -> Any:
    found = integers(axis)
    return ops.flip(as_tensor(tensor), tuple(found) if isinstance(found, list) else found)


@adapter("roll")
def _roll(input: Any, shift: Any, axis: Any) -> Any:  # noqa: A002
    return ops.roll(as_tensor(input), integers(shift), integers(axis))


@adapter("repeat")
def _repeat(input: Any, repeats: Any, axis: Any = None) -> Any:  # noqa: A002
    return ops.repeat(as_tensor(input), integers(repeats), axis=integers(axis))


@adapter("zeros_like")
def _zeros_like(input: Any, dtype: Any = None, optimize: bool = True) -> Any:  # noqa: A002
    return ops.zeros_like(as_tensor(input), dtype=dtype and dtype_word(dtype))


@adapter("ones_like")
def _ones_like(input: Any, dtype: Any = None, optimize: bool = True) -> Any:  # noqa: A002
    return ops.ones_like(as_tensor(input), dtype=dtype and dtype_word(dtype))


@adapter("cast")
def _cast(x: Any, dtype: Any) -> Any:
    if not is_tensor(x):
        return host(x).astype(dtype_word(dtype))
    return ops.cast(x, dtype_word(dtype))


@adapter("identity")
def _identity(input: Any) -> Any:  # noqa: A002
    return input


@adapter("stop_gradient")
def _stop_gradient(input: Any) -> Any:  # noqa: A002
    return ops.stop_gradient(as_tensor(input))


@adapter("one_hot")
def _one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = None,
    off_value: Any = None,
    axis: Any = None,
    dtype: Any = None,
) -> Any:
    axis = -1 if axis is None else integers(axis)
    word = "float32" if dtype is None else dtype_word(dtype)
    hot = ops.one_hot(as_tensor(indices), integers(depth), axis=axis, dtype=word)
    if on_value is None and off_value is None:
        return hot
    on, _ = as_pair(1.0 if on_value is None else on_value, hot)
    off, _ = as_pair(0.0 if off_value is None else off_value, hot)
    return ops.where(ops.equal(hot, 1), on, off)
