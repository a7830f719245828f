"""Put the state of an optimizer into that of a live model: all of it, or nothing.

Half of it would be worse than none: fresh slots beside a high count of iterations take steps of
another size, and nobody would see it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import keras

from kport.checkpoint import (
    Checkpoint,
    Kind,
    LazyTensor,
    Naming,
    ReportLine,
    Slot,
    join_name,
    split_name,
)
from kport.model._plan import Pair, Plan
from kport.model._slots import place_slots
from kport.model._walk import Walk, walk

__all__ = ["place_optimizer"]

_ROOT = "optimizer"


def place_optimizer(
    plan: Plan, checkpoint: Checkpoint, model: keras.Model, names: Mapping[str, str]
) -> None:
    """Add the state of the optimizer to a plan that has the weights, or say why it stays fresh.

    Arguments:
        plan: Where the weights go; it is added to.
        checkpoint: What a format read.
        model: The model.
        names: Name of a weight in the file -> its name in the plan.
    """
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return
    state, lines = _state_for(optimizer, checkpoint, names)
    if state:
        if not optimizer.built:
            optimizer.build(model.trainable_variables)
        found = walk(model)
        trial = Plan(pairs=list(plan.pairs))
        place_slots(state, model, found, trial)
        pairs = trial.pairs[len(plan.pairs) :]
        why = _why_not(state, pairs, found)
        lines += [ReportLine("dropped", _ROOT, f"{why}; it stays as it is")] if why else trial.lines
        plan.pairs += [] if why else pairs
    plan.lines += lines


def _state_for(
    optimizer: keras.optimizers.Optimizer, checkpoint: Checkpoint, names: Mapping[str, str]
) -> tuple[list[LazyTensor], list[ReportLine]]:
    if checkpoint.optimizer_state is not None:
        config = keras.saving.serialize_keras_object(optimizer)
        state, notes = checkpoint.optimizer_state(config)
        slots = [_renamed(one, names) for one in state]
        return slots, list(notes)
    if checkpoint.naming is not Naming.ATTRIBUTE:
        return [], []
    stored = checkpoint.of_kind(Kind.OPTIMIZER).values()
    return [replace(one, slot=_slot(one.name, names)) for one in stored if _is_ours(one.name)], []


def _renamed(tensor: LazyTensor, names: Mapping[str, str]) -> LazyTensor:
    slot = tensor.slot
    if slot is None or not isinstance(slot.of, str):
        return tensor
    return replace(tensor, slot=replace(slot, of=names.get(slot.of, slot.of)))


def _is_ours(name: str) -> bool:
    return split_name(name)[0] == _ROOT


def _slot(name: str, weights: Mapping[str, str]) -> Slot:
    """Return what ``optimizer.momentums.dense.kernel`` is: the momentums of dense.kernel."""
    segments = split_name(name)[1:]
    for end in range(1, len(segments)):
        owner = weights.get(join_name(*segments[end:]))
        if owner is not None:
            return Slot(join_name(*segments[:end]), owner)
    return Slot(join_name(*segments))


def _why_not(state: Iterable[LazyTensor], pairs: Iterable[Pair], found: Walk) -> str:
    """Return why the state is not that of this optimizer over the variables it trains.

    Kinds of slots and variables are compared, not each with each: Adafactor keeps some slots for
    matrices only, and Keras 3 makes up the others.
    """
    own = {name: name for name, kind in found.kinds.items() if kind is not Kind.OPTIMIZER}
    ours = [_slot(name, own) for name, kind in found.kinds.items() if kind is Kind.OPTIMIZER]
    placed = [_slot(pair.name, own) for pair in pairs]
    theirs = _kinds(one.slot for one in state if one.slot is not None)
    if (kept := _kinds(ours)) != theirs:
        return f"the file's optimizer keeps {_list(theirs)}, this one keeps {_list(kept)}"
    if fresh := _owners(ours) - _owners(placed):
        return f"the file has no state of an optimizer for {min(fresh)!r}"
    return ""


def _owners(slots: Iterable[Slot]) -> set[str | int]:
    return {one.of for one in slots if one.of is not None}


def _kinds(slots: Iterable[Slot]) -> set[str]:
    return {one.attribute.rpartition(".")[2] for one in slots if one.of is not None}


def _list(kinds: set[str]) -> str:
    return ", ".join(sorted(kinds)) or "no slots"
