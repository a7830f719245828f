"""Let a model that has its variables, and not yet their values, be as when it was saved."""

from __future__ import annotations

import keras

from kport.checkpoint import Checkpoint, Naming
from kport.model._freeze import set_frozen
from kport.model._keras_nodes import put_nodes
from kport.model._keras_sets import order_sets
from kport.model._ties import retype, tie_again
from kport.model._walk import walk

__all__ = ["restore"]


def restore(model: keras.Model, checkpoint: Checkpoint, retyped: bool) -> set[str]:
    """Let variables be shared, of the dtype and frozen, and sets ordered, as when it was saved.

    Returns:
        The paths of all layers and variables that there are.
    """
    spec, tensors = checkpoint.spec, checkpoint.tensors
    found = walk(model)
    if tie_again(found, spec.ties):
        found = walk(model)
    order_sets(found, spec.layers)
    if checkpoint.naming is Naming.ATTRIBUTE and retyped and retype(found, tensors):
        found = walk(model)
    if spec.layers:
        put_nodes(found, spec, dtypes=retyped)
    if checkpoint.naming in (Naming.ATTRIBUTE, Naming.WEIGHTS):
        set_frozen(found, set(spec.frozen))
    return {path or "." for path, _ in found.layers()} | found.variables.keys() | found.ties.keys()
