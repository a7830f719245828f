"""Weights of old files whose layers have other names than the model's: layer for layer, in order.

Keras 2 counts the layers of a process (``dense_7``), so a file of ``save_weights`` names layers by
numbers that mean nothing, and Keras itself loads it by order (``load_weights_from_hdf5_group`` of
``keras/saving/legacy/hdf5_format.py``, 2.12). Names are believed where all of them are the same.
"""

from __future__ import annotations

from dataclasses import replace

import keras

from kport.checkpoint import Checkpoint, LazyTensor, Position
from kport.model._positions import weights_by_layer

__all__ = ["in_layer_order"]


def in_layer_order(checkpoint: Checkpoint, model: keras.Model) -> Checkpoint:
    """Return the Checkpoint with the model's layer names, if the order of layers gives them.

    It does where file and model have as many layers with weights, and each pair of them the same
    shapes. Otherwise the Checkpoint is returned as it is, and loading names what does not fit.
    """
    theirs: dict[str, list[LazyTensor]] = {}
    for tensor in checkpoint.tensors.values():
        if tensor.position is None:
            return checkpoint
        theirs.setdefault(tensor.position.layer, []).append(tensor)
    ours = {
        name: [tuple(one.shape) for one in weights]
        for name, weights in weights_by_layer(model).items()
        if weights
    }
    shapes = [[one.shape for one in sorted(group, key=_index)] for group in theirs.values()]
    if set(theirs) == set(ours) or shapes != list(ours.values()):
        return checkpoint
    names = dict(zip(theirs, ours, strict=True))
    moved = {
        name: replace(tensor, position=_moved(tensor.position, names))
        for name, tensor in checkpoint.tensors.items()
    }
    return replace(checkpoint, tensors=moved)


def _index(tensor: LazyTensor) -> int:
    return tensor.position.index if tensor.position is not None else 0


def _moved(position: Position | None, names: dict[str, str]) -> Position | None:
    return None if position is None else replace(position, layer=names[position.layer])
