"""Linear algebra (TensorFlow 2.15, ``tensorflow/python/ops/linalg_ops.py``, ``math_ops.py``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kport_compat.ops._adapter import (
    adapter,
    as_pair,
    as_tensor,
    integers,
    is_floating,
    ops,
    simple,
)

__all__: list[str] = []


@adapter("linalg.matmul matmul")
def _matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    output_type: Any = None,
    grad_a: bool = False,
    grad_b: bool = False,
) -> Any:
    """The sparse flags choose an algorithm and no result."""
    x, y = map(as_tensor, as_pair(a, b))
    if output_type is not None or not is_floating(ops.dtype(x)):
        raise NotImplementedError("matmul of other than real numbers")
    # Of real numbers the adjoint is the transpose.
    x = ops.swapaxes(x, -1, -2) if transpose_a or adjoint_a else x
    return ops.matmul(x, ops.swapaxes(y, -1, -2) if transpose_b or adjoint_b else y)


@adapter("linalg.matvec")
def _matvec(a: Any, b: Any, transpose_a: bool = False) -> Any:
    vector = ops.expand_dims(as_tensor(b), -1)
    return ops.squeeze(_matmul(a, vector, transpose_a), -1)


@adapter("linalg.band_part")
def _band_part(input: Any, num_lower: Any, num_upper: Any) -> Any:  # noqa: A002
    x = as_tensor(input)
    lower, upper = integers(num_lower), integers(num_upper)
    x = x if upper < 0 else ops.tril(x, upper)
    return x if lower < 0 else ops.triu(x, -lower)


@adapter("norm linalg.norm")
def _norm(
    tensor: Any,
    ord: Any = "euclidean",  # noqa: A002  # TensorFlow's own name for it
    axis: Any = None,
    keepdims: bool | None = None,
    keep_dims: bool | None = None,
) -> Any:
    axis = integers(axis)
    x, keep = as_tensor(tensor), bool(keepdims or keep_dims)
    matrix, axis = isinstance(axis, list), tuple(axis) if isinstance(axis, list) else axis
    if ord in ("euclidean", "fro") or (ord == 2 and not matrix):
        return ops.sqrt(ops.sum(ops.square(x), axis=axis, keepdims=keep))
    if matrix or ord not in (1, np.inf, "inf", "Infinity"):
        raise NotImplementedError(f"norm with ord={ord!r}")
    reduce = ops.sum if ord == 1 else ops.max
    return reduce(ops.abs(x), axis=axis, keepdims=keep)


@adapter("linalg.normalize")
def _normalize(tensor: Any, ord: Any = "euclidean", axis: Any = None) -> Any:  # noqa: A002
    norm = _norm(tensor, ord, axis, keepdims=True)
    return as_tensor(tensor) / norm, norm


@adapter("einsum linalg.einsum")
def _einsum(equation: str, *inputs: Any) -> Any:
    if not inputs:
        raise NotImplementedError("einsum, whose tensors Keras 2 left out of the file")
    return ops.einsum(equation, *map(as_tensor, inputs))


@adapter("tensordot linalg.tensordot")
def _tensordot(a: Any, b: Any, axes: Any) -> Any:
    return ops.tensordot(*map(as_tensor, as_pair(a, b)), axes=integers(axes))


@adapter("linalg.inv")
def _inv(input: Any, adjoint: bool = False) -> Any:  # noqa: A002  # TensorFlow's own name for it
    found = ops.inv(as_tensor(input))
    return ops.swapaxes(found, -1, -2) if adjoint else found


simple("linalg.det", "det", "input")
simple("linalg.cholesky", "cholesky", "input")


@adapter("linalg.trace linalg.tensor_trace")
def _trace(x: Any) -> Any:
    return ops.sum(_diag_part(x), -1)


@adapter("linalg.solve")
def _solve(matrix: Any, rhs: Any, adjoint: bool = False) -> Any:
    a, b = map(as_tensor, as_pair(matrix, rhs))
    return ops.solve(ops.swapaxes(a, -1, -2) if adjoint else a, b)


@adapter("linalg.cross")
def _cross(a: Any, b: Any) -> Any:
    return ops.cross(*map(as_tensor, as_pair(a, b)))


@adapter("linalg.matrix_transpose")
def _matrix_transpose(a: Any, conjugate: bool = False) -> Any:
    return ops.swapaxes(as_tensor(a), -1, -2)


@adapter("linalg.diag")
def _diag(diagonal: Any, k: Any = 0, num_rows: Any = -1, num_cols: Any = -1) -> Any:
    if (k, num_rows, num_cols) != (0, -1, -1):
        raise NotImplementedError("diag beside the main diagonal, or of a size of its own")
    x = as_tensor(diagonal)
    return ops.expand_dims(x, -1) * ops.eye(int(x.shape[-1]), dtype=ops.dtype(x))


@adapter("linalg.diag_part")
def _diag_part(input: Any, k: Any = 0) -> Any:  # noqa: A002
    return ops.diagonal(as_tensor(input), integers(k), axis1=-2, axis2=-1)


@adapter("linalg.set_diag")
def _set_diag(input: Any, diagonal: Any, k: Any = 0) -> Any:  # noqa: A002
    if k != 0:
        raise NotImplementedError("set_diag beside the main diagonal")
    x, values = as_pair(input, diagonal)
    mask = ops.eye(int(x.shape[-2]), int(x.shape[-1]), dtype="bool")
    size = min(int(x.shape[-2]), int(x.shape[-1]))
    if size != int(x.shape[-1]):
        raise NotImplementedError("set_diag of matrices that are wider than high")
    return ops.where(mask, ops.expand_dims(values, -2), x)
