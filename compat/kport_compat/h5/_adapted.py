"""What a Discretization has seen, which Keras 2 keeps among the weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kport.checkpoint import JSON
from kport.formats._mapped import MappedFile
from kport.formats.hdf5 import Group
from kport_compat.h5._container import array, attribute_names, below
from kport_compat.keras2 import give_boundaries, wants_boundaries

__all__ = ["give_summaries"]


def give_summaries(config: JSON, weights: Group, backing: MappedFile) -> None:
    """Put the boundaries that a Discretization learned into its config.

    Arguments:
        config: The translated config; changed.
        weights: The group ``model_weights``.
        backing: The file.
    """
    wanting = {_name(layer): layer for layer in _layers(config) if wants_boundaries(layer)}
    for group in attribute_names(weights, "layer_names") if wanting else ():
        node = below(weights, group)
        for weight in attribute_names(node, "weight_names"):
            owner, _, last = weight.partition(":")[0].rpartition("/")
            layer = wanting.get(owner.rpartition("/")[2]) or wanting.get(group)
            if last == "summary" and layer is not None:
                give_boundaries(layer, array(node, weight, backing).source())


def _layers(config: JSON) -> Iterator[JSON]:
    inner: Any = config.get("config")
    found = inner.get("layers") if isinstance(inner, dict) else None
    for layer in found if isinstance(found, list) else ():
        yield layer
        yield from _layers(layer)


def _name(layer: JSON) -> str:
    return str(layer.get("name") or layer["config"].get("name"))
