"""Which variable a legacy file means by a layer's name and a place in the row of its weights.

Keras 2 writes ``trainable_weights + non_trainable_weights`` of a layer (``keras/saving/legacy/
hdf5_format.py`` of Keras 2.12), so the order inside a nested model depends on what was frozen when
the file was written. Keras 2 itself mixes up weights of one shape where other parts are frozen at
loading; here the names in the file have a say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import keras

from kport.checkpoint import Kind, LazyTensor, split_name
from kport.errors import Problem
from kport.model._keras_2_layers import keras_2_layers, keras_2_weights
from kport.model._layer_edges import is_given
from kport.model._states import Bins, bins_of
from kport.model._walk import Walk, walk

__all__ = ["Place", "places", "weights_by_layer"]

_REMEDY = "freeze the same parts as when the file was written, or give them names"
Variables = Sequence[keras.Variable]


@dataclass(slots=True)
class Place:
    """Where the weights of one layer go.

    Arguments:
        pairs: Tensor and variable.
        hooks: What layers learned that is no variable, with its tensor.
        said: Tensors that tell what the layer knows already.
        left: Tensors that no variable wants.
        problems: What can be read in two ways.
    """

    pairs: list[tuple[LazyTensor, keras.Variable]] = field(default_factory=list)
    hooks: list[tuple[Bins, LazyTensor]] = field(default_factory=list)
    said: list[LazyTensor] = field(default_factory=list)
    left: list[LazyTensor] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def weights_by_layer(model: keras.Model) -> dict[str, list[keras.Variable]]:
    """Return layer name -> its weights, both in Keras 2's order; the model itself has no name."""
    found = {one.name: keras_2_weights(one) for one in keras_2_layers(model)}
    inside = {id(one) for weights in found.values() for one in weights}
    every = [*model.trainable_weights, *model.non_trainable_weights]
    return found | {"": [one for one in every if id(one) not in inside]}


def places(tensors: Iterable[LazyTensor], model: keras.Model, found: Walk) -> Iterator[Place]:
    """Yield where the tensors of each layer go, and those of the optimizer."""
    groups: dict[tuple[bool, str], dict[int, LazyTensor]] = {}
    homeless = Place()
    for tensor in tensors:
        if tensor.position is None:
            homeless.left.append(tensor)
        else:
            of = (tensor.kind is Kind.OPTIMIZER, tensor.position.layer)
            groups.setdefault(of, {})[tensor.position.index] = tensor
    yield homeless
    ours = weights_by_layer(model)
    layers: dict[str, keras.Layer] = {one.name: one for one in model.layers}
    for (is_state, name), group in groups.items():
        if is_state:
            optimizer = getattr(model, "optimizer", None)
            yield _in_order(group, getattr(optimizer, "variables", ()))
        else:
            yield _place(group, layers.get(name), ours.get(name, []), found)


def _in_order(group: dict[int, LazyTensor], variables: Variables) -> Place:
    place = Place()
    for index, tensor in group.items():
        if index < len(variables):
            place.pairs.append((tensor, variables[index]))
        else:
            place.left.append(tensor)
    return place


def _place(
    group: dict[int, LazyTensor], layer: keras.Layer | None, variables: Variables, found: Walk
) -> Place:
    tensors = [group[index] for index in sorted(group)]
    summaries = [one for one in tensors if split_name(one.name)[-1] == Bins.attribute]
    if len(tensors) != len(variables) and len(tensors) - len(summaries) == len(variables):
        rest = [one for one in tensors if one not in summaries]
        place = _place(dict(enumerate(rest)), layer, variables, found)
        learning = list(_learning(layer))
        if len(learning) == len(summaries):
            place.hooks = list(zip(learning, summaries, strict=True))
        else:
            place.said = summaries
        return place
    if len(tensors) != len(variables):
        return _in_order(group, variables)
    return _by_names(tensors, variables, layer, found)


def _learning(layer: keras.Layer | None) -> Iterator[Bins]:
    """Yield the bins to learn in the order of the file, none where that is open."""
    if isinstance(layer, keras.Model):
        for one in keras_2_layers(layer):
            yield from _learning(one)
    elif layer is not None:
        inside = [bins for _, one in walk(layer).layers() if (bins := bins_of(one)) is not None]
        yield from inside if len(inside) == 1 else ()


def _by_names(
    tensors: list[LazyTensor], variables: Variables, layer: keras.Layer | None, found: Walk
) -> Place:
    """Pair in order, but where the names in the file contradict it."""
    theirs = [_inside(split_name(one.name)[1:], layer) for one in tensors]
    ours = [_inside(tuple(one.path.split("/")), layer) for one in variables]
    pairs = list(zip(tensors, variables, strict=True))
    if theirs == ours or sorted(_last(theirs)) != sorted(_last(ours)):
        return Place(pairs)  # or the layers of file and model call their weights otherwise
    contradicts = _last(theirs) != _last(ours)
    if sorted(theirs) == sorted(ours) and len(set(ours)) == len(ours):
        named = [variables[ours.index(one)] for one in theirs]
        moved = [one for one, other in zip(named, variables, strict=True) if one is not other]
        if contradicts or all(is_given(found.makers.get(id(one))) for one in moved):
            return Place(list(zip(tensors, named, strict=True)))
    elif not contradicts:
        return Place(pairs)
    else:
        for order in _orders(layer, found):
            if [one.name for one in order] == _last(theirs):
                return Place(list(zip(tensors, order, strict=True)))
    name = layer.name if layer is not None else "the model"
    text = f"its {len(pairs)} weights are in another order than the model's; {_REMEDY}"
    return Place(pairs, problems=[Problem(name, text)])


def _orders(layer: keras.Layer | None, found: Walk) -> Iterator[list[keras.Variable]]:
    """Yield the weights in the order of a layer that is frozen as a whole, and not at all."""
    if layer is not None:
        every = list(layer.weights)
        kinds = {id(one): found.kinds[name] for name, one in found.variables.items()}
        yield every
        yield sorted(every, key=lambda one: kinds.get(id(one)) is Kind.STATE)


def _inside(path: tuple[str, ...], layer: keras.Layer | None) -> tuple[str, ...]:
    if layer is None:
        return path[-1:]
    start = max((at + 1 for at, one in enumerate(path[:-1]) if one == layer.name), default=0)
    return path[start:]


def _last(paths: Iterable[tuple[str, ...]]) -> list[str]:
    return [path[-1] if path else "" for path in paths]
