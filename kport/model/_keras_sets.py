"""Private calls that give layers in sets the order they had; see _keras.py."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras

from kport.checkpoint import LazyTensor, join_name
from kport.model._attributes import users_attributes
from kport.model._contents import members
from kport.model._keras_paths import keras_owners
from kport.model._walk import Walk

__all__ = ["order_sets"]


def order_sets(model: keras.Model, found: Walk, tensors: Mapping[str, LazyTensor]) -> None:
    """Let the layers of sets stand in their layer's row as they stood when it was saved.

    Reason: Keras takes them in the order of the set, which is one of memory addresses; the order of
    `Model.weights` and the paths of an archive follow from that row.

    Arguments:
        model: The live model.
        found: The walk through it.
        tensors: Those of the file, with their Keras paths.
    """
    held = [(path, layer, list(_sets(layer))) for path, layer in found.layers()]
    if not any(sets for *_, sets in held):
        return
    paths = {id(owner.thing): owner.path for owner in keras_owners(model)}
    for path, layer, sets in held:
        for name, one in sets:
            below = ".".join(part for part in (path, join_name(name)) if part)
            start = f"{paths.get(id(layer), '')}/layers/".lstrip("/")
            _order(layer, dict(_numbers(below, start, members(one), tensors)))


def _sets(layer: keras.Layer) -> Iterator[tuple[str, Any]]:
    if not type(layer).__module__.startswith("keras."):
        for name, value in users_attributes(layer):
            if isinstance(value, (set, frozenset)):
                yield name, value


def _numbers(
    below: str,
    start: str,
    layers: Iterable[tuple[str, Any]],
    tensors: Mapping[str, LazyTensor],
) -> Iterator[tuple[int, tuple[str, int]]]:
    """Yield the id of each layer, and the name and number that its class had in the row."""
    for segment, layer in layers:
        inside = f"{below}.{join_name(segment)}."
        stored = (one for name, one in tensors.items() if name.startswith(inside))
        place = next((one.keras_path for one in stored if one.keras_path), "")
        if place.startswith(start):
            last = place[len(start) :].split("/")[0]
            number = re.fullmatch(r"(.*?)(?:_(\d+))?", last)
            if number is not None:
                yield id(layer), (number[1], int(number[2] or 0))


def _order(layer: Any, numbers: Mapping[int, tuple[str, int]]) -> None:
    row = layer._layers
    for kind in {one for one, _ in numbers.values()}:
        places = [at for at, one in enumerate(row) if numbers.get(id(one), ("",))[0] == kind]
        ordered = sorted((row[at] for at in places), key=lambda one: numbers[id(one)])
        for at, one in zip(places, ordered, strict=True):
            row[at] = one
