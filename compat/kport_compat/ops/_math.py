"""Arithmetic and elementwise functions (TensorFlow 2.15, ``tensorflow/python/ops/math_ops.py``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kport_compat.ops._adapter import ADAPTERS, adapter, as_pair, as_tensor, is_tensor, ops, simple

__all__: list[str] = []


def _binary(symbols: str, name: str) -> None:
    def call(x: Any, y: Any) -> Any:
        a, b = as_pair(x, y)
        return getattr(ops if is_tensor(a) else np, name)(a, b)

    adapter(symbols)(call)


_binary("math.add add __operators__.add", "add")
_binary("math.subtract subtract", "subtract")
_binary("math.multiply multiply", "multiply")
_binary("math.floordiv floordiv math.floor_div", "floor_divide")
_binary("math.floormod math.mod floormod mod", "mod")
_binary("math.maximum maximum", "maximum")
_binary("math.minimum minimum", "minimum")
_binary("math.atan2 atan2", "arctan2")

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
simple("math.round round", "round")
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


@adapter("math.add_n add_n")
def _add_n(inputs: Any) -> Any:
    total = as_tensor(inputs[0])
    for one in inputs[1:]:
        total = ops.add(total, one)
    return total


@adapter("clip_by_value")
def _clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any) -> Any:
    low = ADAPTERS["math.maximum"](t, clip_value_min)
    return ADAPTERS["math.minimum"](low, clip_value_max)


@adapter("math.cumsum cumsum")
def _cumsum(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> Any:
    if exclusive:
        raise NotImplementedError("cumsum with exclusive=True")
    x = as_tensor(x)
    if reverse:
        return ops.flip(ops.cumsum(ops.flip(x, axis), axis), axis)
    return ops.cumsum(x, axis)
