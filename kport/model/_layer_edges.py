"""Which layer of a Sequential or functional model is meant by a number or a name in a file."""

from __future__ import annotations

import re
from collections.abc import Mapping

import keras

from kport.checkpoint import LazyTensor, local_layer_names, snake_case
from kport.errors import Problem
from kport.model._states import bins_of

__all__ = ["is_given", "layer_edges", "layer_names", "named_layers"]

_WEIGHTED = re.compile(r"layer_with_weights-(\d+)")
_NUMBERED = re.compile(r"layer-(\d+)")

Below = Mapping[str, Mapping[str, LazyTensor]]
Pairs = dict[str, keras.Layer]


def layer_names(count: int) -> list[str]:
    """Return the names that TensorFlow gives to as many layers."""
    kinds = ("layer_with_weights", "layer")
    return [f"{kind}-{number}" for kind in kinds for number in range(count)]


def named_layers(model: keras.Model) -> Pairs:
    """Return the layers by their names, those of this process and those of every process."""
    local = local_layer_names([(type(one).__name__, one.name) for one in model.layers])
    edges = dict(zip(local, model.layers, strict=True))
    return edges | {one.name: one for one in model.layers}


def layer_edges(model: keras.Model, below: Below, problems: list[Problem]) -> Pairs:
    """Return numbered name in the file -> layer.

    Numbers count the layers that have weights; where those of file and model do not fit one
    another, all layers. Where the names of the variables say another order that fits as well, names
    that a person gave are believed; names that Keras made up are a problem.

    Arguments:
        model: A Sequential or functional model.
        below: Name in the file -> the tensors of that layer, by their names.
        problems: Where to add what can be read in two ways.
    """
    numbered, named = _numbered(model, below), _by_name(model, below)
    moved = [name for name in named if numbered.get(name) is not named[name]]
    other = _completed(named, numbered)
    if not moved or not _fit(other, below):
        return numbered
    if _fit(numbered, below) and not all(is_given(named[name]) for name in moved):
        for name in moved:
            text = (
                f"is {numbered[name].name!r} by order, {named[name].name!r} by name, and fits both"
            )
            problems.append(Problem(name, f"{text}; say which by rename="))
    return other


def _completed(named: Pairs, numbered: Pairs) -> Pairs:
    """Pair what has no name of its own in the order of the rest."""
    taken = set(map(id, named.values()))
    names = [name for name in numbered if name not in named]
    layers = [layer for layer in numbered.values() if id(layer) not in taken]
    return named | dict(zip(names, layers, strict=False))


def _numbered(model: keras.Model, below: Below) -> Pairs:
    """Pair by order: the first way in which every shape fits, else the most usual one."""
    layers = [layer for layer in model.layers if layer.weights or bins_of(layer)]
    weighted = _counted(_WEIGHTED, below)
    filled = [name for name in weighted.values() if below[name]]
    usual = {name: layers[at] for at, name in weighted.items() if at < len(layers)}
    every = _counted(_NUMBERED, below).items()
    ways = (
        usual if len(weighted) == len(layers) else {},
        # Tables are weights to Keras 2, and no values that a layer of Keras 3 has.
        dict(zip(filled, layers, strict=True)) if len(filled) == len(layers) else {},
        {name: model.layers[at] for at, name in every if at < len(model.layers) and below[name]},
    )
    return next((one for one in ways if one and _fit(one, below)), usual)


def _counted(pattern: re.Pattern[str], names: Below) -> dict[int, str]:
    matches = [match for match in map(pattern.fullmatch, names) if match]
    return dict(sorted((int(match.group(1)), match.string) for match in matches))


def _fit(pairs: Pairs, below: Below) -> bool:
    return all(
        sorted(one.shape for one in below[name].values())
        == sorted(tuple(one.shape) for one in layer.weights)
        for name, layer in pairs.items()
        if layer.weights
    )


def _by_name(model: keras.Model, below: Below) -> Pairs:
    """Pair by the names of variables; names that Keras made up count if all of them have a pair."""
    layers = [layer for layer in model.layers if layer.weights or bins_of(layer)]
    pairs: Pairs = {}
    for name in _counted(_WEIGHTED, below).values():
        owners = [one for one in layers if _belong(below[name], one.name)]
        if len(owners) == 1:
            pairs[name] = owners[0]
    found = [id(layer) for layer in pairs.values()]
    pairs = {name: one for name, one in pairs.items() if found.count(id(one)) == 1}
    if len(pairs) == len(layers):
        return pairs
    return {name: one for name, one in pairs.items() if is_given(one)}


def _belong(tensors: Mapping[str, LazyTensor], layer: str) -> bool:
    paths = [f"/{one.keras_path}" for one in tensors.values() if one.keras_path]
    return bool(paths) and all(f"/{layer}/" in path for path in paths)


def is_given(layer: object) -> bool:
    """Whether it is a layer that a person gave its name."""
    if not isinstance(layer, keras.Layer):
        return False
    name = type(layer).__name__
    return local_layer_names([(name, layer.name)]) != [snake_case(name)]
