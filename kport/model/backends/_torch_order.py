"""PyTorch: a parameter may lie transposed in memory."""

from __future__ import annotations

import keras
import torch

from kport.checkpoint import c_order

__all__ = ["lay_out", "order_of"]


def order_of(value: torch.Tensor) -> tuple[int, ...] | None:
    """Return the order of the axes; those of size one, which lie anywhere, come first."""
    if value.is_contiguous():
        return c_order(tuple(value.shape))
    long = [size > 1 for size in value.shape]
    return tuple(sorted(range(value.ndim), key=lambda axis: (long[axis], -value.stride(axis))))


def lay_out(variable: keras.Variable, order: tuple[int, ...] | None) -> None:
    """Give the variable memory of an order, to be filled; that of None or its own stays."""
    old = variable.value.detach()
    if order is None or order == order_of(old):
        return
    shape = [old.shape[axis] for axis in order]
    memory = torch.empty(shape, dtype=old.dtype, device=old.device)
    variable.value.data = memory.permute([order.index(axis) for axis in range(old.ndim)])
