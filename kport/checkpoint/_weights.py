"""The values of a Checkpoint without the model they belong to."""

from __future__ import annotations

from dataclasses import replace

from kport.checkpoint._checkpoint import Checkpoint, Holds, Naming
from kport.checkpoint._spec import ModelSpec
from kport.checkpoint._tensor import Kind

__all__ = ["weights_of"]


def weights_of(checkpoint: Checkpoint) -> Checkpoint:
    """Return every value by its name, with ties and without the definition; no value is read."""
    tensors = {
        name: replace(one, position=None, slot=None)
        for name, one in checkpoint.tensors.items()
        if one.kind is not Kind.DERIVED
    }
    return replace(
        checkpoint,
        spec=ModelSpec(config={}, ties=checkpoint.spec.ties),
        tensors=tensors,
        naming=Naming.OBJECTS,
        assets={},
        sample=None,
        notes=(),
        holds=Holds.WEIGHTS,
    )
