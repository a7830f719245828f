"""Shapes and rearrangement (TensorFlow 2.15, ``tensorflow/python/ops/array_ops.py``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kport_compat.ops._adapter import (
    adapter,
    as_pair,
    as_tensor,
    dtype_of,
    dtype_word,
    held,
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
    x, found = as_tensor(input), integers(squeeze_dims if axis is None else axis)
    if found is None or found == []:
        found = [place for place, size in enumerate(x.shape) if size == 1]
        if not found:
            return x
    return ops.squeeze(x, axis=tuple(found) if isinstance(found, list) else found)


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
    x, around = as_tensor(tensor), integers(paddings)
    if mode.upper() == "CONSTANT":
        return ops.pad(x, around, constant_values=constant_values)
    for axis, (before, after) in enumerate(around):
        if before or after:  # backends disagree about what is mirrored
            how: Any = mode.lower()
            places = np.pad(np.arange(int(x.shape[axis])), (before, after), how)
            x = ops.take(x, places, axis=axis)
    return x


@adapter("reverse")
def _reverse(tensor: Any, axis: Any) -> Any:
    found = integers(axis)
    return ops.flip(as_tensor(tensor), tuple(found) if isinstance(found, list) else found)


@adapter("roll")
def _roll(input: Any, shift: Any, axis: Any) -> Any:  # noqa: A002
    return ops.roll(as_tensor(input), integers(shift), integers(axis))


@adapter("repeat")
def _repeat(input: Any, repeats: Any, axis: Any = None) -> Any:  # noqa: A002
    x, times = as_tensor(input), integers(repeats)
    if not isinstance(times, list):
        return ops.repeat(x, times, axis=integers(axis))
    if axis is None:
        raise NotImplementedError("repeat of a list of times over all axes")
    places = np.repeat(np.arange(int(x.shape[integers(axis)])), times)
    return ops.take(x, places, axis=integers(axis))


@adapter("zeros_like")
def _zeros_like(input: Any, dtype: Any = None, optimize: bool = True) -> Any:  # noqa: A002
    if not is_tensor(input):
        return np.zeros_like(host(input), dtype and dtype_word(dtype))
    return ops.zeros_like(input, dtype=dtype and dtype_word(dtype))


@adapter("ones_like")
def _ones_like(input: Any, dtype: Any = None, optimize: bool = True) -> Any:  # noqa: A002
    if not is_tensor(input):
        return np.ones_like(host(input), dtype and dtype_word(dtype))
    return ops.ones_like(input, dtype=dtype and dtype_word(dtype))


@adapter("cast")
def _cast(x: Any, dtype: Any) -> Any:
    if not is_tensor(x):
        return host(x).astype(dtype_word(dtype))
    return ops.cast(x, held(dtype_word(dtype)))


@adapter("identity ensure_shape debugging.check_numerics")
def _identity(input: Any = None, *told: Any, **named: Any) -> Any:  # noqa: A002
    """What a check is told about its tensor changes nothing in it."""
    return next((named[one] for one in ("x", "tensor") if one in named), input)


@adapter("convert_to_tensor")
def _convert_to_tensor(value: Any, dtype: Any = None, dtype_hint: Any = None) -> Any:
    return value if dtype is None else _cast(value, dtype)


@adapter("saturate_cast")
def _saturate_cast(value: Any, dtype: Any) -> Any:
    return ops.saturate_cast(as_tensor(value), dtype_word(dtype))


@adapter("size")
def _size(input: Any, out_type: Any = "int32") -> Any:  # noqa: A002
    sizes = _shape(input, out_type)
    if is_tensor(sizes):
        return ops.prod(sizes)
    return np.asarray(np.prod(sizes, dtype=dtype_word(out_type)))


@adapter("fill")
def _fill(dims: Any, value: Any) -> Any:
    known = None if is_tensor(value) else dtype_of(value)
    return ops.full(_sizes(dims), value, dtype=known)


def _filled(name: str) -> None:
    def call(shape: Any, dtype: Any = "float32", layout: Any = None) -> Any:
        return getattr(ops, name)(_sizes(shape), dtype=dtype_word(dtype))

    adapter(name)(call)


_filled("zeros")
_filled("ones")


@adapter("range")
def _range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None) -> Any:
    first, end = (0, start) if limit is None else (start, limit)
    given = (first, end, delta)
    word = dtype_word(dtype) if dtype is not None else None
    if not any(is_tensor(one) for one in given):
        kinds = [np.asarray(host(one)).dtype for one in given]
        return np.arange(first, end, delta).astype(word or np.result_type(*kinds))
    return ops.arange(first, end, delta, dtype=word)


@adapter("sequence_mask")
def _sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = "bool") -> Any:
    if maxlen is None:
        raise NotImplementedError("sequence_mask without maxlen")
    x = as_tensor(lengths)
    steps = ops.cast(ops.convert_to_tensor(np.arange(integers(maxlen))), ops.dtype(x))
    return ops.cast(ops.less(steps, ops.expand_dims(x, -1)), held(dtype_word(dtype)))


@adapter("math.bincount")
def _bincount(
    arr: Any,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = "int32",
    axis: Any = None,
    binary_output: bool = False,
) -> Any:
    if axis != -1 or weights is not None or binary_output or minlength != maxlength:
        raise NotImplementedError("bincount, except along the last axis with a length that is set")
    hot = one_hot(as_tensor(arr), integers(maxlength))
    return ops.sum(ops.cast(hot, held(dtype_word(dtype))), -2)


@adapter("signal.frame")
def _frame(
    signal: Any,
    frame_length: Any,
    frame_step: Any,
    pad_end: bool = False,
    pad_value: Any = 0,
    axis: Any = -1,
) -> Any:
    x = as_tensor(signal)
    if pad_end or integers(axis) not in (-1, len(x.shape) - 1):
        raise NotImplementedError("frames that are padded, or along another axis than the last")
    first = np.arange(0, int(x.shape[-1]) - integers(frame_length) + 1, integers(frame_step))
    return ops.take(x, first[:, None] + np.arange(integers(frame_length)), axis=-1)


@adapter("stop_gradient")
def _stop_gradient(input: Any) -> Any:  # noqa: A002
    return ops.stop_gradient(as_tensor(input))


def one_hot(indices: Any, depth: int, axis: int = -1) -> Any:
    """Return where each class is met: a class beyond the depth is met nowhere."""
    rank = len(indices.shape) + 1
    axis = axis % rank
    classes = np.arange(depth).reshape((-1,) + (1,) * (rank - 1 - axis))
    return ops.equal(ops.expand_dims(indices, axis), as_pair(indices, classes)[1])


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
    hot = one_hot(as_tensor(indices), integers(depth), axis)
    word = "float32" if dtype is None else dtype_word(dtype)
    if on_value is None and off_value is None:
        return ops.cast(hot, held(word))
    hot = ops.cast(hot, word)
    on, _ = as_pair(1.0 if on_value is None else on_value, hot)
    off, _ = as_pair(0.0 if off_value is None else off_value, hot)
    return ops.where(ops.equal(hot, 1), on, off)
