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


@adapter("nn.crelu")
def _crelu(features: Any, axis: Any = -1) -> Any:
    x = as_tensor(features)
    return ops.relu(ops.concatenate([x, ops.negative(x)], axis=integers(axis)))


@adapter("nn.dropout")
def _dropout(
    x: Any,
    rate: Any = None,
    noise_shape: Any = None,
    seed: Any = None,
    keep_prob: Any = None,
) -> Any:
    left = 1 - keep_prob if rate is None and keep_prob is not None else rate
    if left not in (0, None):
        raise NotImplementedError(f"dropout of {left} at inference, which is random")
    return as_tensor(x)


@adapter("nn.l2_loss")
def _l2_loss(t: Any) -> Any:
    return ops.sum(ops.square(as_tensor(t))) / 2


@adapter("nn.moments")
def _moments(
    x: Any,
    axes: Any,
    shift: Any = None,
    keepdims: bool = False,
    keep_dims: bool | None = None,
) -> Any:
    """``shift`` is ignored by TensorFlow as well."""
    keep = bool(keepdims or keep_dims)
    return tuple(ops.moments(as_tensor(x), axes=tuple(integers(axes)), keepdims=keep))


@adapter("nn.batch_normalization")
def _batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: float
) -> Any:
    x, mean = as_pair(x, mean)
    factor = ops.rsqrt(as_pair(x, variance)[1] + variance_epsilon)
    factor = factor if scale is None else factor * as_pair(x, scale)[1]
    found = (x - mean) * factor
    return found if offset is None else found + as_pair(x, offset)[1]


@adapter("nn.embedding_lookup")
def _embedding_lookup(
    params: Any,
    ids: Any,
    partition_strategy: str = "mod",
    validate_indices: bool = True,
    max_norm: Any = None,
) -> Any:
    if max_norm is not None:
        raise NotImplementedError("embedding_lookup with max_norm")
    return ops.take(as_tensor(params), as_tensor(ids), axis=0)


@adapter("nn.softmax_cross_entropy_with_logits nn.softmax_cross_entropy_with_logits_v2")
def _softmax_cross_entropy(labels: Any, logits: Any, axis: Any = None, dim: Any = None) -> Any:
    axis = -1 if axis is None and dim is None else integers(dim if axis is None else axis)
    y, x = as_pair(labels, logits)
    return ops.negative(ops.sum(y * ops.log_softmax(x, axis=axis), axis=axis))


@adapter("nn.sigmoid_cross_entropy_with_logits")
def _sigmoid_cross_entropy(labels: Any, logits: Any) -> Any:
    y, x = as_pair(labels, logits)
    return ops.relu(x) - x * y + ops.log1p(ops.exp(ops.negative(ops.abs(x))))
