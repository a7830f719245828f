"""Comparisons and logic (TensorFlow 2.15, ``math_ops.py`` and ``array_ops.py``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kport_compat.ops._adapter import adapter, as_pair, as_tensor, is_tensor, ops, simple

__all__: list[str] = []

_LEFT_OUT: Any = object()  # Keras 2 writes the first argument of `==` and `!=` alone


def _comparison(symbols: str, name: str) -> None:
    def call(x: Any, y: Any = _LEFT_OUT) -> Any:
        if y is _LEFT_OUT:
            raise NotImplementedError(f"{name}, whose second tensor Keras 2 left out of the file")
        a, b = as_pair(x, y)
        return getattr(ops if is_tensor(a) else np, name)(a, b)

    adapter(symbols)(call)


_comparison("math.equal equal __operators__.eq", "equal")
_comparison("math.not_equal not_equal __operators__.ne", "not_equal")
_comparison("math.greater greater", "greater")
_comparison("math.greater_equal greater_equal", "greater_equal")
_comparison("math.less less", "less")
_comparison("math.less_equal less_equal", "less_equal")
_comparison("math.logical_and logical_and __operators__.and", "logical_and")
_comparison("math.logical_or logical_or __operators__.or", "logical_or")
_comparison("math.logical_xor __operators__.xor", "logical_xor")
simple("math.logical_not logical_not", "logical_not")


@adapter("where")
def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None or y is None:
        raise NotImplementedError("where without x and y, which gives as many rows as there are")
    a, b = as_pair(x, y)
    if not is_tensor(a) and not is_tensor(condition):
        return np.where(condition, a, b)
    return ops.where(as_tensor(condition), as_tensor(a), as_tensor(b))
