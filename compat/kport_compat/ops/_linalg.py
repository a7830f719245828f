"""Linear algebra (TensorFlow 2.15, ``tensorflow/python/ops/linalg_ops.py``, ``math_ops.py``)."""

from __future__ import annotations

from typing import Any

from kport_compat.ops._adapter import adapter, as_pair, as_tensor, integers, ops

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
    if output_type is not None or adjoint_a or adjoint_b:
        raise NotImplementedError("matmul with an adjoint or another output_type")
    x, y = map(as_tensor, as_pair(a, b))
    x = ops.swapaxes(x, -1, -2) if transpose_a else x
    return ops.matmul(x, ops.swapaxes(y, -1, -2) if transpose_b else y)


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
    if ord not in ("euclidean", 2) or (ord == 2 and isinstance(axis, list)):
        raise NotImplementedError(f"norm with ord={ord!r}")
    axis = tuple(axis) if isinstance(axis, list) else axis
    total = ops.sum(ops.square(as_tensor(tensor)), axis=axis, keepdims=bool(keepdims or keep_dims))
    return ops.sqrt(total)


@adapter("einsum linalg.einsum")
def _einsum(equation: str, *inputs: Any) -> Any:
    return ops.einsum(equation, *map(as_tensor, inputs))


@adapter("tensordot linalg.tensordot")
def _tensordot(a: Any, b: Any, axes: Any) -> Any:
    return ops.tensordot(*map(as_tensor, as_pair(a, b)), axes=integers(axes))
