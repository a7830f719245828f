"""Private calls that give layers in sets the order they had; see _keras.py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras

from kport.checkpoint import JSON, join_name
from kport.model._attributes import users_attributes
from kport.model._contents import members
from kport.model._walk import Walk

__all__ = ["order_of_sets", "order_sets"]


def order_of_sets(layer: keras.Layer) -> list[str]:
    """Return the names of the layers that a layer has in sets, in the order Keras has them in."""
    names = {id(one): name for name, one in _in_sets_of(layer)}
    return [names[id(one)] for one in layer._layers if id(one) in names]


def order_sets(found: Walk, states: Mapping[str, JSON]) -> None:
    """Let layers in sets stand in the row of their layer's parts in the order they had there.

    Reason: Keras takes them in the order of the set, which is one of memory addresses. The order of
    `Model.weights` and the paths of an archive follow from that row, and on JAX an optimizer is
    given gradients in its order, whatever the order of its slots is.

    Arguments:
        found: The live model.
        states: Path of a layer -> what the file tells of it; ``sets`` is its `order_of_sets`.
    """
    for path, layer in found.layers():
        if order := states.get(path or ".", {}).get("sets"):
            held = dict(_in_sets_of(layer))
            rank = {id(held[name]): at for at, name in enumerate(order) if name in held}
            row: list[Any] = layer._layers
            places = [at for at, one in enumerate(row) if id(one) in rank]
            ordered = sorted((row[at] for at in places), key=lambda one: rank[id(one)])
            for at, one in zip(places, ordered, strict=True):
                row[at] = one


def _in_sets_of(layer: keras.Layer) -> Iterator[tuple[str, keras.Layer]]:
    if not type(layer).__module__.startswith("keras."):
        yield from _in_sets(users_attributes(layer))


def _in_sets(
    held: Iterable[tuple[str, Any]], *path: str, around: tuple[int, ...] = ()
) -> Iterator[tuple[str, keras.Layer]]:
    """Yield name and layer of what is in sets, also in those inside of other containers."""
    for segment, one in held:
        if isinstance(one, (set, frozenset)):
            for inner, layer in members(one):
                yield join_name(*path, segment, inner), layer
        elif isinstance(one, (list, tuple, Mapping)) and id(one) not in around:
            yield from _in_sets(members(one), *path, segment, around=(*around, id(one)))
