"""A Checkpoint that stays as it is while the model goes on.

Tensors that `capture` makes are views of live variables. PyTorch changes those in place, and JAX
takes their memory back when a training step is given it. So a snapshot copies.

Memory: one copy of all values on the host.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from kport.checkpoint._checkpoint import Checkpoint
from kport.checkpoint._sample import Sample, unflatten
from kport.checkpoint._tensor import Array, LazyTensor

__all__ = ["snapshot"]

T = TypeVar("T")


def snapshot(checkpoint: Checkpoint) -> Checkpoint:
    """Return the same Checkpoint with every value, asset and sample copied into memory now.

    Example:
        >>> from kport.checkpoint import Kind, LazyTensor, ModelSpec
        >>> live = np.zeros(2)
        >>> one = LazyTensor("w", (2,), "float64", Kind.PARAMETER, lambda: live)
        >>> kept = snapshot(Checkpoint(ModelSpec({}), {"w": one}))
        >>> live += 1
        >>> kept.tensors["w"].read()
        array([0., 0.])
    """
    tensors = {name: _held(one) for name, one in checkpoint.tensors.items()}
    assets = {
        name: replace(one, read=_constant(one.read())) for name, one in checkpoint.assets.items()
    }
    return replace(checkpoint, tensors=tensors, assets=assets, sample=_sample(checkpoint.sample))


def _held(tensor: LazyTensor) -> LazyTensor:
    if tensor.pieces is not None:
        pieces = [(box, _copied(values)) for box, values in tensor.pieces()]
        return replace(tensor, pieces=_constant(pieces))
    return replace(tensor, source=_constant(_copied(tensor.read())), window=None)


def _sample(sample: Sample | None) -> Sample | None:
    if sample is None:
        return None
    arrays = {name: _copied(values) for name, values in sample.arrays().items()}
    return Sample(unflatten(arrays, "inputs"), unflatten(arrays, "outputs"))


def _copied(values: Array) -> Array:
    return np.array(values, order="C")


def _constant(value: T) -> Callable[[], T]:
    return lambda: value
