"""Find the variable of each tensor: one function for each way a file names things."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import takewhile
from typing import Any

import keras

from kport.checkpoint import Checkpoint, Kind, LazyTensor, Naming, ReportLine
from kport.errors import Problem
from kport.model._hooks import sets_only_variables
from kport.model._keras_paths import (
    KERAS_2,
    KERAS_3,
    KerasOwner,
    Manner,
    keras_owners,
    own_values,
    vars_path,
)
from kport.model._objects import find, tree_of
from kport.model._plan import WEIGHTS, Pair, Plan
from kport.model._positions import places
from kport.model._slots import place_slots
from kport.model._variable_paths import by_variable_path
from kport.model._walk import Walk

__all__ = ["Pair", "Plan", "match"]


def match(checkpoint: Checkpoint, model: keras.Model, found: Walk) -> Plan:
    """Return where each tensor of a file goes in a model."""
    slots = [one for one in checkpoint.tensors.values() if one.slot is not None]
    rest = {name: one for name, one in checkpoint.tensors.items() if one.slot is None}
    weights = replace(checkpoint, tensors=rest) if slots else checkpoint
    plan = {
        Naming.ATTRIBUTE: _by_attribute,
        Naming.WEIGHTS: _by_weight,
        Naming.KERAS: _by_keras_path,
        Naming.KERAS_2: _by_old_keras_path,
        Naming.VARIABLES: by_variable_path,
        Naming.POSITION: _by_position,
        Naming.OBJECTS: _by_objects,
    }[checkpoint.naming](weights, model, found)
    place_slots(slots, model, found, plan)
    # Only kport's own files hold what is no layer's weight, such as the states of an RNN.
    plan.unfilled(found, None if checkpoint.naming is Naming.ATTRIBUTE else model.weights)
    return plan


def _by_attribute(checkpoint: Checkpoint, model: keras.Model, found: Walk) -> Plan:
    plan = Plan()
    rest = dict(checkpoint.tensors)
    for name, variable in found.variables.items():
        stored = name if name in checkpoint.tensors else checkpoint.spec.ties.get(name, name)
        if stored in checkpoint.tensors:
            plan.pairs.append(Pair(name, checkpoint.tensors[stored], variable))
            rest.pop(stored, None)
            if stored != name:
                text = f"was shared with {stored} in the file and is a variable of its own here"
                plan.lines.append(ReportLine("translated", name, text))
    for thing, store in _hooked(model, found, _Stores(checkpoint)):
        plan.hooks.append((thing, store))
        for tensor in store.values():
            rest.pop(tensor.name, None)
    plan.unplaced(rest.values(), (*WEIGHTS, Kind.OPTIMIZER, Kind.METRIC))
    return plan


def _by_weight(checkpoint: Checkpoint, model: keras.Model, found: Walk) -> Plan:
    plan = _by_attribute(checkpoint, model, found)
    _add_hooks(plan, found)
    return plan


def _hooked(
    model: keras.Model, found: Walk, stores: _Stores
) -> Iterator[tuple[Any, dict[str, LazyTensor]]]:
    wanting = {id(one.thing) for one in found.owners if not sets_only_variables(one.thing)}
    if not wanting:
        return
    for owner in keras_owners(model):
        if id(owner.thing) in wanting and (store := stores.of(owner)):
            yield owner.thing, store


class _Stores:
    """The tensors of a file by the places that plain Keras has for them."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        tensors = checkpoint.tensors.values()
        self._tensors = {one.keras_path: one for one in tensors if one.keras_path}
        self._paths = sorted(self._tensors)

    def of(self, owner: KerasOwner) -> dict[str, LazyTensor]:
        """Return key -> tensor of what lies in the place of one object."""
        start = vars_path(owner, "")
        rest = range(bisect_left(self._paths, start), len(self._paths))
        below = takewhile(lambda path: path.startswith(start), map(self._paths.__getitem__, rest))
        return {path.removeprefix(start): self._tensors[path] for path in below}


def _by_old_keras_path(checkpoint: Checkpoint, model: keras.Model, found: Walk) -> Plan:
    """Try the manners of Keras 2: a file of weights does not say which version wrote it."""
    plans = [_by_keras_path(checkpoint, model, found, manner) for manner in KERAS_2]
    best = max(plans, key=Plan.fitting)
    for plan in plans:
        if plan.fitting() == best.fitting() and plan.places() != best.places():
            text = "fits the model in another way as well, by the order of another Keras 2"
            best.problems.append(Problem("model.weights.h5", text))
            break
    best.by_keras_2 = best.places() != plans[0].places()
    return best


def _by_keras_path(
    checkpoint: Checkpoint, model: keras.Model, found: Walk, manner: Manner = KERAS_3
) -> Plan:
    plan = Plan()
    names = found.names()
    stores = _Stores(checkpoint)
    rest = {tensor.name: tensor for tensor in checkpoint.tensors.values()}
    for owner in keras_owners(model, manner):
        hooked = not sets_only_variables(owner.thing, quantized=True)
        values = {} if hooked else own_values(owner.thing)
        every = stores.of(owner)
        if isinstance(owner.thing, keras.optimizers.Optimizer) and not _fit(every, values):
            plan.lines += [ReportLine("dropped", one.name, _OTHER_SLOTS) for one in every.values()]
            for tensor in every.values():
                rest.pop(tensor.name, None)
            continue
        store = every if hooked else {key: every[key] for key in values if key in every}
        for tensor in store.values():
            rest.pop(tensor.name, None)
        if hooked:
            plan.hooks += [(owner.thing, store)] if store else []
            continue
        for key, tensor in store.items():
            variable = values[key]
            plan.pairs.append(Pair(names.get(id(variable), tensor.name), tensor, variable))
    plan.unplaced(rest.values())
    return plan


# Slots of an archive of plain Keras have numbers, which say nothing of what they belong to.
_OTHER_SLOTS = (
    "the optimizer was built for other variables (was a layer frozen since?); training starts with "
    "fresh slots"
)


def _fit(stored: Mapping[str, LazyTensor], values: Mapping[str, Any]) -> bool:
    """Whether an optimizer has as many variables as the file has, of the same shapes."""
    shapes = {key: tuple(one.shape) for key, one in values.items()}
    return shapes == {key: one.shape for key, one in stored.items()}


def _by_position(checkpoint: Checkpoint, model: keras.Model, found: Walk) -> Plan:
    plan = Plan()
    names = found.names()
    for place in places(checkpoint.tensors.values(), model, found):
        for tensor, variable in place.pairs:
            plan.pairs.append(Pair(names.get(id(variable), tensor.name), tensor, variable))
        plan.hooks += [(bins, {"0": tensor}) for bins, tensor in place.hooks]
        plan.lines += [
            ReportLine("dropped", tensor.name, "Keras 3 keeps no summary beside its boundaries")
            for tensor in place.said
        ]
        plan.unplaced(place.left)
        plan.problems += place.problems
    _add_hooks(plan, found)
    return plan


def _by_objects(checkpoint: Checkpoint, model: keras.Model, found: Walk) -> Plan:
    plan = Plan()
    names = found.names()
    tree = tree_of(checkpoint)
    wanted = {id(one) for name, one in found.variables.items() if found.kinds[name] in WEIGHTS}
    best, *others = find(model, tree, wanted)
    if others and best.node:
        plan.problems += [Problem(one.path, "fits the model as well") for one in (best, *others)]
    plan.problems += best.problems
    pairs = list(best.pairs.values())
    placed = {one.name for _, one in pairs}
    for name in sorted((found.variables.keys() & checkpoint.tensors.keys()) - placed):
        if id(found.variables[name]) not in best.pairs:  # a name that the user changed
            pairs.append((found.variables[name], checkpoint.tensors[name]))
            placed.add(name)
    for thing, one in best.hooks:
        plan.hooks.append((thing, {"0": one}))
        placed.add(one.name)
    for variable, one in pairs:
        plan.pairs.append(Pair(names.get(id(variable), one.name), one, variable))
    inside = set(tree.below(best.node))
    for other in others:
        inside -= tree.below(other.node).keys()
    for name in sorted(checkpoint.tensors.keys() - placed):
        if name in inside:
            plan.unplaced([checkpoint.tensors[name]])
        else:
            text = "belongs to another object of the checkpoint"
            plan.lines.append(ReportLine("dropped", name, text))
    _add_hooks(plan, found)
    return plan


def _add_hooks(plan: Plan, found: Walk) -> None:
    """Hand the values to layers whose own `load_own_variables` wants to see them."""
    by_variable = {id(pair.variable): pair.tensor for pair in plan.pairs}
    for owner in found.owners:
        if not sets_only_variables(owner.thing):
            values = own_values(owner.thing)
            store = {key: by_variable.get(id(value)) for key, value in values.items()}
            known = {key: tensor for key, tensor in store.items() if tensor is not None}
            if known and len(known) == len(store):
                plan.hooks.append((owner.thing, known))
