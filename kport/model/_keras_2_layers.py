"""The layers of a model and the weights of a layer in the order in which Keras 2 has them.

It takes the layers of a dict by their keys (``tensorflow/python/trackable/data_structures.py`` of
TensorFlow 2.15, `_DictWrapper._values`), Keras 3 in the order in which they were put into it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import keras

from kport.model._attributes import users_attributes
from kport.model._keras import is_graph
from kport.model._walk import walk

__all__ = ["keras_2_layers", "keras_2_weights"]


def keras_2_layers(model: keras.Model) -> list[keras.Layer]:
    """Return ``model.layers``, those out of dicts by their keys."""
    layers = list(model.layers)
    if is_graph(model):
        return layers
    places = {id(one): place for place, one in enumerate(layers)}
    for _, held in users_attributes(model):
        if isinstance(held, (Mapping, list, tuple)):
            inside = [one for one in dict.fromkeys(_by_key(held)) if id(one) in places]
            for place, one in zip(sorted(places[id(one)] for one in inside), inside, strict=True):
                layers[place] = one
    return layers


def keras_2_weights(layer: keras.Layer) -> list[keras.Variable]:
    """Return the trainable weights and the others, those of layers out of dicts by their keys."""
    held = [
        list(_by_key(one))
        for _, inner in walk(layer).layers()
        for _, one in users_attributes(inner)
        if isinstance(one, (Mapping, list, tuple))
    ]
    weights: list[keras.Variable] = []
    for part in (layer.trainable_weights, layer.non_trainable_weights):
        row = list(part)
        for members in held:
            row = _grouped(row, members)
        weights += row
    return weights


def _grouped(row: list[keras.Variable], members: list[keras.Layer]) -> list[keras.Variable]:
    """Let the weights of some layers have their places in the order of the layers."""
    rank: dict[int, int] = {}
    for place, member in enumerate(members):
        for one in member.weights:
            rank.setdefault(id(one), place)
    inside = iter(sorted((one for one in row if id(one) in rank), key=lambda one: rank[id(one)]))
    return [next(inside) if id(one) in rank else one for one in row]


def _by_key(held: Any) -> Iterator[keras.Layer]:
    if isinstance(held, keras.Layer):
        yield held
    elif isinstance(held, Mapping):
        for _, one in sorted(held.items(), key=lambda item: str(item[0])):
            yield from _by_key(one)
    elif isinstance(held, (list, tuple)):
        for one in held:
            yield from _by_key(one)
