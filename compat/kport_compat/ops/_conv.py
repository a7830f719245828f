"""Convolution and pooling (TensorFlow 2.15, ``tensorflow/python/ops/nn_ops.py``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kport_compat.ops._adapter import adapter, as_pair, as_tensor, integers, ops

__all__ = ["average_pool"]


def _spatial(value: Any, rank: int, last: bool) -> Any:
    """Return the numbers of the spatial axes.

    TensorFlow takes one number, one for each of them, or those of batch and channels as well.
    """
    found = integers(1 if value is None else value)
    if not isinstance(found, list):
        return (found,) * rank
    if len(found) == 1:
        return tuple(found) * rank
    if len(found) == rank:
        return tuple(found)
    return tuple(found[1:-1] if last else found[2:])


def _padded(x: Any, padding: Any, last: bool, fill: float = 0.0) -> tuple[Any, str]:
    if isinstance(padding, str):
        return x, padding.lower()
    return ops.pad(x, integers(padding), constant_values=fill), "valid"


def _format(data_format: Any) -> tuple[bool, str]:
    last = data_format is None or not str(data_format).startswith("NC")
    return last, "channels_last" if last else "channels_first"


@adapter("nn.conv1d nn.conv2d nn.conv3d nn.convolution")
def _conv(
    input: Any,  # noqa: A002  # TensorFlow's own name for it
    filters: Any = None,
    strides: Any = None,
    padding: Any = "VALID",
    data_format: Any = None,
    dilations: Any = None,
    filter: Any = None,  # noqa: A002  # the names in TensorFlow 1
    value: Any = None,
    stride: Any = None,
    dilation_rate: Any = None,
    use_cudnn_on_gpu: bool = True,
) -> Any:
    """``use_cudnn_on_gpu`` chooses a library and no result."""
    x, kernel = as_pair(input if value is None else value, filter if filters is None else filters)
    last, form = _format(data_format)
    rank = len(x.shape) - 2
    x, how = _padded(x, padding, last)
    step = _spatial(strides if stride is None else stride, rank, last)
    rate = _spatial(dilations if dilation_rate is None else dilation_rate, rank, last)
    return ops.conv(x, kernel, step, how, form, rate)


@adapter("nn.depthwise_conv2d")
def _depthwise(
    input: Any,  # noqa: A002
    filter: Any,  # noqa: A002
    strides: Any,
    padding: Any,
    data_format: Any = None,
    dilations: Any = None,
    rate: Any = None,
) -> Any:
    x, kernel = as_pair(input, filter)
    last, form = _format(data_format)
    x, how = _padded(x, padding, last)
    apart = _spatial(rate if dilations is None else dilations, 2, last)
    return ops.depthwise_conv(x, kernel, _spatial(strides, 2, last), how, form, apart)


@adapter("nn.separable_conv2d")
def _separable(
    input: Any,  # noqa: A002
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: Any,
    data_format: Any = None,
    dilations: Any = None,
    rate: Any = None,
) -> Any:
    apart = rate if dilations is None else dilations
    x = _depthwise(input, depthwise_filter, strides, padding, data_format, apart)
    return _conv(x, pointwise_filter, None, "VALID", data_format)


@adapter("nn.conv2d_transpose nn.conv1d_transpose nn.conv3d_transpose")
def _conv_transpose(
    input: Any = None,  # noqa: A002
    filters: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: str = "SAME",
    data_format: Any = None,
    dilations: Any = None,
    value: Any = None,
    filter: Any = None,  # noqa: A002
) -> Any:
    """The gradient of a convolution, so its size has to be the one asked for."""
    x, kernel = as_pair(input if value is None else value, filter if filters is None else filters)
    last, form = _format(data_format)
    rank = len(x.shape) - 2
    step, rate = _spatial(strides, rank, last), _spatial(dilations, rank, last)
    found = ops.conv_transpose(x, kernel, step, padding.lower(), None, form, rate)
    wanted = _spatial(output_shape, rank, last)
    have = tuple(found.shape[1:-1] if last else found.shape[2:])
    if have != wanted:
        raise NotImplementedError(f"a transposed convolution to {wanted}, which gives {have}")
    return found


@adapter("nn.atrous_conv2d")
def _atrous(value: Any, filters: Any, rate: Any, padding: Any) -> Any:
    return _conv(value, filters, 1, padding, None, [rate, rate])


def average_pool(x: Any, size: Any, step: Any, padding: str, form: str) -> Any:
    """Return averages of what lies inside: Keras 3 on PyTorch repeats the edge where it pads."""
    if padding == "valid":
        return ops.average_pool(x, size, step, padding, form)
    first = form == "channels_first"
    x = ops.moveaxis(x, 1, -1) if first else x
    around = [[0, 0]]
    for length, width, stride in zip(x.shape[1:-1], size, step, strict=True):
        if length is None:
            raise NotImplementedError("pooling with padding along an axis of unknown size")
        lost = max((-(-length // stride) - 1) * stride + width - length, 0)
        around.append([lost // 2, lost - lost // 2])
    around.append([0, 0])
    there = ops.convert_to_tensor(np.ones((1, *x.shape[1:-1], 1), "float32"), dtype=x.dtype)
    total = ops.average_pool(ops.pad(x, around), size, step, "valid", "channels_last")
    share = ops.average_pool(ops.pad(there, around), size, step, "valid", "channels_last")
    return ops.moveaxis(total / share, -1, 1) if first else total / share


def _pool(symbols: str, kind: str) -> None:
    def call(
        input: Any = None,  # noqa: A002
        ksize: Any = None,
        strides: Any = None,
        padding: Any = "VALID",
        data_format: Any = None,
        value: Any = None,
    ) -> Any:
        x = as_tensor(input if value is None else value)
        last, form = _format(data_format)
        if not isinstance(padding, str):
            raise NotImplementedError("pooling with explicit padding")
        rank = len(x.shape) - 2
        step = ksize if strides is None else strides
        pool = average_pool if kind == "average" else ops.max_pool
        size = _spatial(ksize, rank, last)
        return pool(x, size, _spatial(step, rank, last), padding.lower(), form)

    adapter(symbols)(call)


_pool("nn.max_pool nn.max_pool1d nn.max_pool2d nn.max_pool3d", "max")
_pool("nn.avg_pool nn.avg_pool1d nn.avg_pool2d nn.avg_pool3d", "average")


@adapter("nn.pool")
def _any_pool(
    input: Any,  # noqa: A002
    window_shape: Any,
    pooling_type: str,
    strides: Any = None,
    padding: Any = "VALID",
    data_format: Any = None,
    dilations: Any = None,
    dilation_rate: Any = None,
) -> Any:
    apart = integers(dilation_rate if dilations is None else dilations)
    if apart is not None and set(np.ravel(apart)) != {1}:
        raise NotImplementedError("pool with dilations")
    x = as_tensor(input)
    last, form = _format(data_format)
    rank = len(x.shape) - 2
    pool = average_pool if pooling_type == "AVG" else ops.max_pool
    step = _spatial(strides, rank, last)
    return pool(x, _spatial(window_shape, rank, last), step, padding.lower(), form)


@adapter("nn.depth_to_space")
def _depth_to_space(input: Any, block_size: Any, data_format: str = "NHWC") -> Any:  # noqa: A002
    if data_format != "NHWC":
        raise NotImplementedError(f"depth_to_space of {data_format}")
    size, (high, wide, deep) = integers(block_size), input.shape[1:]
    x = ops.reshape(as_tensor(input), (-1, high, wide, size, size, deep // size**2))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, high * size, wide * size, deep // size**2))


@adapter("nn.space_to_depth")
def _space_to_depth(input: Any, block_size: Any, data_format: str = "NHWC") -> Any:  # noqa: A002
    if data_format != "NHWC":
        raise NotImplementedError(f"space_to_depth of {data_format}")
    size, (high, wide, deep) = integers(block_size), input.shape[1:]
    x = ops.reshape(as_tensor(input), (-1, high // size, size, wide // size, size, deep))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, high // size, wide // size, deep * size**2))


@adapter("nn.local_response_normalization nn.lrn")
def _local_response_normalization(
    input: Any,  # noqa: A002
    depth_radius: Any = 5,
    bias: Any = 1,
    alpha: Any = 1,
    beta: Any = 0.5,
) -> Any:
    x = as_tensor(input)
    deep, radius = int(x.shape[-1]), int(depth_radius)
    distance = np.abs(np.arange(deep)[:, None] - np.arange(deep)[None, :])
    near = ops.convert_to_tensor((distance <= radius).astype("float32"))
    total = ops.matmul(ops.square(x), near)
    return x / ops.power(float(bias) + float(alpha) * total, float(beta))
