"""Arithmetic and elementwise functions (TensorFlow 2.15, ``tensorflow/python/ops/math_ops.py``)."""

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
    simple,
)

__all__: list[str] = []


def _binary(symbols: str, name: str) -> None:
    def call(x: Any, y: Any) -> Any:
        a, b = as_pair(x, y)
        return getattr(ops if is_tensor(a) else np, name)(a, b)

    adapter(symbols)(call)


_binary("math.add add __operators__.add", "add")
_binary("math.subtract subtract", "subtract")
_binary("math.multiply multiply", "multiply")
_binary("math.floordiv floordiv math.floor_div floor_div", "floor_divide")
_binary("math.floormod math.mod floormod mod", "mod")
_binary("math.maximum maximum", "maximum")
_binary("math.minimum minimum", "minimum")

simple("math.abs abs", "abs")
simple("math.exp exp", "exp")
simple("math.expm1", "expm1")
simple("math.log", "log")
simple("math.log1p", "log1p")
simple("math.sqrt sqrt", "sqrt")
simple("math.rsqrt", "rsqrt")
simple("math.square square", "square")
simple("math.reciprocal", "reciprocal")
simple("math.negative negative", "negative")
simple("math.sign sign", "sign")
simple("math.floor floor", "floor")
simple("math.ceil ceil", "ceil")
simple("math.round round math.rint", "round")
simple("math.sin sin", "sin")
simple("math.cos cos", "cos")
simple("math.tan tan", "tan")
simple("math.asin asin", "arcsin")
simple("math.acos acos", "arccos")
simple("math.atan atan", "arctan")
simple("math.sinh sinh", "sinh")
simple("math.cosh cosh", "cosh")
simple("math.tanh tanh nn.tanh", "tanh")
simple("math.asinh asinh", "arcsinh")
simple("math.acosh acosh", "arccosh")
simple("math.atanh atanh", "arctanh")
simple("math.erf", "erf")
simple("math.erfinv", "erfinv")
simple("math.is_nan", "isnan")
simple("math.is_inf", "isinf")
simple("math.is_finite", "isfinite")
simple("math.sigmoid sigmoid nn.sigmoid", "sigmoid")
simple("math.log_sigmoid", "log_sigmoid")


@adapter("math.truediv truediv math.divide divide")
def _truediv(x: Any, y: Any) -> Any:
    a, b = as_pair(x, y)
    return (ops if is_tensor(a) else np).true_divide(a, b)


@adapter("math.divide_no_nan")
def _divide_no_nan(x: Any, y: Any) -> Any:
    return ops.divide_no_nan(*map(as_tensor, as_pair(x, y)))


@adapter("math.multiply_no_nan")
def _multiply_no_nan(x: Any, y: Any) -> Any:
    a, b = map(as_tensor, as_pair(x, y))
    return ops.where(ops.equal(b, 0), ops.zeros_like(a), ops.multiply(a, b))


@adapter("math.squared_difference")
def _squared_difference(x: Any, y: Any) -> Any:
    a, b = map(as_tensor, as_pair(x, y))
    return ops.square(ops.subtract(a, b))


@adapter("math.pow pow")
def _pow(x: Any, y: Any) -> Any:
    return ops.power(*map(as_tensor, as_pair(x, y)))


@adapter("math.scalar_mul scalar_mul")
def _scalar_mul(scalar: Any, x: Any) -> Any:
    return ADAPTERS["math.multiply"](scalar, x)


@adapter("math.add_n add_n math.accumulate_n")
def _add_n(inputs: Any, shape: Any = None, tensor_dtype: Any = None) -> Any:
    total = as_tensor(inputs[0])
    for one in inputs[1:]:
        total = ops.add(total, one)
    return total


@adapter("clip_by_value")
def _clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any) -> Any:
    low = ADAPTERS["math.maximum"](t, clip_value_min)
    return ADAPTERS["math.minimum"](low, clip_value_max)


@adapter("math.atan2 atan2")
def _atan2(y: Any, x: Any) -> Any:
    return ops.arctan2(*map(as_tensor, as_pair(y, x)))


@adapter("math.erfc")
def _erfc(x: Any) -> Any:
    return ops.erfc(as_tensor(x))


@adapter("math.ndtri")
def _ndtri(x: Any) -> Any:
    return ops.erfinv(2.0 * as_tensor(x) - 1.0) * float(np.sqrt(2.0))


def _times_log(symbol: str, function: str) -> None:
    """x log(y) and its like: zero wherever x is, whatever the other one is."""

    def call(x: Any, y: Any) -> Any:
        a, b = map(as_tensor, as_pair(x, y))
        zero = ops.equal(a, 0)
        safe = ops.where(zero, ops.ones_like(b), b)
        found = a / safe if function == "divide" else a * getattr(ops, function)(safe)
        return ops.where(zero, ops.zeros_like(found), found)

    adapter(symbol)(call)


_times_log("math.xlogy", "log")
_times_log("math.xlog1py", "log1p")
_times_log("math.xdivy", "divide")


@adapter("truncatediv")
def _truncatediv(x: Any, y: Any) -> Any:
    a, b = map(as_tensor, as_pair(x, y))
    found = ops.floor_divide(ops.abs(a), ops.abs(b)) * ops.sign(a) * ops.sign(b)
    return ops.cast(found, ops.dtype(a))


@adapter("truncatemod math.truncatemod")
def _truncatemod(x: Any, y: Any) -> Any:
    a, b = map(as_tensor, as_pair(x, y))
    return a - _truncatediv(a, b) * b


for _name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    _binary(f"bitwise.{_name}", _name)


@adapter("clip_by_norm")
def _clip_by_norm(t: Any, clip_norm: Any, axes: Any = None) -> Any:
    x, axis = as_tensor(t), integers(axes)
    axis = tuple(axis) if isinstance(axis, list) else axis
    norm = ops.sqrt(ops.sum(ops.square(x), axis=axis, keepdims=True))
    return x * clip_norm / ops.maximum(norm, clip_norm)


@adapter("linalg.global_norm")
def _global_norm(t_list: Any) -> Any:
    return ops.sqrt(_add_n([ops.sum(ops.square(as_tensor(one))) for one in t_list]))


@adapter("math.polyval")
def _polyval(coeffs: Any, x: Any) -> Any:
    x = as_tensor(x)
    found = ops.zeros_like(x)
    for one in coeffs:
        found = found * x + one
    return found


def _running(symbols: str, name: str, neutral: int) -> None:
    def call(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False) -> Any:
        x, axis = as_tensor(x), integers(axis)
        x = ops.flip(x, axis) if reverse else x
        if exclusive:
            first, rest = (
                ops.split(x, [1], axis=axis)[0],
                ops.split(x, [x.shape[axis] - 1], axis)[0],
            )
            x = ops.concatenate([ops.full_like(first, neutral), rest], axis=axis)
        found = getattr(ops, name)(x, axis)
        return ops.flip(found, axis) if reverse else found

    adapter(symbols)(call)


_running("math.cumsum cumsum", "cumsum", 0)
_running("math.cumprod", "cumprod", 1)


@adapter("math.cumulative_logsumexp")
def _cumulative_logsumexp(
    x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False
) -> Any:
    if exclusive:
        raise NotImplementedError("cumulative_logsumexp with exclusive=True")
    row = ops.moveaxis(as_tensor(x), integers(axis), -1)
    steps = np.ones((row.shape[-1],) * 2, "bool")
    seen = np.triu(steps) if reverse else np.tril(steps)
    found = ops.logsumexp(ops.where(seen, ops.expand_dims(row, -2), -np.inf), axis=-1)
    return ops.moveaxis(found, -1, integers(axis))
