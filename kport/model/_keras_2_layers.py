"""The layers of a model in the order in which Keras 2 has them.

It takes the layers of a dict by their keys (``tensorflow/python/trackable/data_structures.py`` of
TensorFlow 2.15, `_DictWrapper._values`), Keras 3 in the order in which they were put into it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import keras

from kport.model._keras import is_graph
from kport.model._walk import users_attributes

__all__ = ["keras_2_layers"]


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


def _by_key(held: Any) -> Iterator[keras.Layer]:
    if isinstance(held, keras.Layer):
        yield held
    elif isinstance(held, Mapping):
        for _, one in sorted(held.items(), key=lambda item: str(item[0])):
            yield from _by_key(one)
    elif isinstance(held, (list, tuple)):
        for one in held:
            yield from _by_key(one)
