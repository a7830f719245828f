"""Neural networks (TensorFlow 2.15, ``tensorflow/python/ops/nn_ops.py`` and ``nn_impl.py``)."""

from __future__ import annotations

from typing import Any

from kport_compat.ops._adapter import adapter, as_pair, as_tensor, integers, ops, simple

__all__: list[str] = []

simple("nn.relu", "relu", "features")
simple("nn.relu6", "relu6", "features")
simple("nn.elu", "elu", "features")
simple("nn.selu", "selu", "features")
simple("nn.softplus math.softplus", "softplus", "features")
simple("nn.softsign math.softsign", "softsign", "features")


@adapter("nn.leaky_relu")
def _leaky_relu(features: Any, alpha: float = 0.2) -> Any:
    return ops.leaky_relu(as_tensor(features), alpha)


@adapter("nn.gelu")
def _gelu(features: Any, approximate: bool = False) -> Any:
    return ops.gelu(as_tensor(features), approximate)


@adapter("nn.silu nn.swish")
def _silu(features: Any, beta: Any = 1.0) -> Any:
    x, factor = as_pair(features, beta)
    return ops.multiply(x, ops.sigmoid(ops.multiply(factor, x)))


@adapter("nn.softmax math.softmax")
def _softmax(logits: Any, axis: Any = None, dim: Any = None) -> Any:
    axis = dim if axis is None else axis
    return ops.softmax(as_tensor(logits), axis=-1 if axis is None else integers(axis))


@adapter("nn.log_softmax math.log_softmax")
def _log_softmax(logits: Any, axis: Any = None, dim: Any = None) -> Any:
    axis = dim if axis is None else axis
    return ops.log_softmax(as_tensor(logits), axis=-1 if axis is None else integers(axis))


@adapter("math.l2_normalize nn.l2_normalize linalg.l2_normalize")
def _l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, dim: Any = None) -> Any:
    x, axis = as_tensor(x), integers(dim if axis is None else axis)
    axis = tuple(axis) if isinstance(axis, list) else axis
    total = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return ops.multiply(x, ops.rsqrt(ops.maximum(total, epsilon)))


@adapter("nn.bias_add")
def _bias_add(value: Any, bias: Any, data_format: str | None = None) -> Any:
    value, bias = as_pair(value, bias)
    if data_format is not None and data_format.startswith("NC") and len(value.shape) > 2:
        bias = ops.reshape(bias, (1, -1) + (1,) * (len(value.shape) - 2))
    return ops.add(value, bias)


@adapter("nn.conv2d nn.convolution")
def _conv2d(
    input: Any,  # noqa: A002  # TensorFlow's own name for it
    filters: Any = None,
    strides: Any = 1,
    padding: Any = "VALID",
    data_format: str = "NHWC",
    dilations: Any = None,
    filter: Any = None,  # noqa: A002  # the name in TensorFlow 1
    use_cudnn_on_gpu: bool = True,
) -> Any:
    """``use_cudnn_on_gpu`` chooses a library and no result."""
    if not isinstance(padding, str):
        raise NotImplementedError("conv2d with explicit padding")
    value, kernel = as_pair(input, filter if filters is None else filters)
    last = data_format == "NHWC"
    return ops.conv(
        value,
        kernel,
        strides=_spatial(strides, last),
        padding=padding.lower(),
        data_format="channels_last" if last else "channels_first",
        dilation_rate=_spatial(1 if dilations is None else dilations, last),
    )


def _spatial(value: Any, last: bool) -> Any:
    # TensorFlow takes one number, two, or four with those of batch and channels.
    found = integers(value)
    if not isinstance(found, list) or len(found) == 2:
        return tuple(found) if isinstance(found, list) else found
    if len(found) == 1:
        return found[0]
    return tuple(found[1:3] if last else found[2:4])
