"""The tensors of ``optimizer_weights``, put into the order of a Keras 3 optimizer's variables.

Three writers, three orders. ``OptimizerV2`` (tf.keras up to 2.10, ``optimizers.legacy`` later)
writes ``iter`` and then slot after slot: all ``m``, all ``v``. The optimizers of Keras 2.11 to
2.15 write ``iteration`` and then ``m`` and ``v`` of one variable after the other. Keras 3 does the
same with the learning rate behind the iteration. The names say which slot of which variable a
weight is, so the order of the file is not relied on.

Sources: ``tensorflow/python/keras/optimizer_v2/`` of TensorFlow 2.3 (``_create_slots``),
``keras/optimizers/`` of Keras 2.12 and ``keras/src/optimizers/`` of Keras 3.15 (``build``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kport.checkpoint import JSON, Kind, LazyTensor, Note, Position, join_name
from kport.errors import Problem
from kport_compat.h5._container import Node, attribute_names
from kport_compat.h5._weights import Tensors, collect, unique

__all__ = ["optimizer_tensors"]


@dataclass(frozen=True, slots=True)
class _Slot:
    """One value an optimizer keeps for each variable.

    Arguments:
        tokens: What old writers call it.
        kept: Whether the Keras 3 optimizer of this config has it.
    """

    tokens: frozenset[str]
    kept: Callable[[JSON], bool] = lambda config: True


_Blocks = tuple[tuple[_Slot, ...], ...]
"""Slots in Keras 3's order; those of one block alternate, variable by variable."""


def _slot(*tokens: str, kept: Callable[[JSON], bool] | None = None) -> _Slot:
    return _Slot(frozenset(tokens), kept) if kept else _Slot(frozenset(tokens))


_ADAM: _Blocks = (
    (_slot("m"), _slot("v")),
    (_slot("vhat", kept=lambda config: bool(config.get("amsgrad"))),),
)
_BLOCKS: dict[str, _Blocks] = {
    "Adadelta": (
        (_slot("accum_grad", "accumulated_grad"), _slot("accum_var", "accumulated_delta_var")),
    ),
    "Adagrad": ((_slot("accumulator"),),),
    "Adam": _ADAM,
    "AdamW": _ADAM,
    "Adamax": ((_slot("m"), _slot("u", "v")),),
    "Ftrl": ((_slot("accumulator"), _slot("linear")),),
    "Lion": ((_slot("m"),),),
    "RMSprop": (
        (_slot("rms", "velocity"),),
        (_slot("momentum", kept=lambda config: config.get("momentum", 0) > 0),),
        (_slot("mg", "average_gradient", kept=lambda config: bool(config.get("centered"))),),
    ),
    "SGD": ((_slot("momentum", "m", kept=lambda config: config.get("momentum", 0) != 0),),),
}


class _Unknown(Exception):
    """The state cannot be ordered with certainty, and why."""


def optimizer_tensors(
    group: Node, path: Path, optimizer: JSON | None, generation: int
) -> tuple[Tensors, list[Note], list[Problem]]:
    """Return the state of the optimizer in Keras 3's order; nothing of it where that is unsure.

    Arguments:
        group: ``optimizer_weights``.
        path: The file.
        optimizer: The translated config of the optimizer, None where there is none.
        generation: The major version of the Keras that wrote the file.
    """
    names = unique(attribute_names(group, "weight_names"), "optimizer_weights")
    found: Tensors = []
    problems: list[Problem] = []
    for index, name in enumerate(names):
        dotted = join_name("optimizer", *name.partition(":")[0].split("/"))
        what = (dotted, Kind.OPTIMIZER, Position("optimizer", index))
        collect(group, name, path, what, found, problems)
    if problems or not found or generation >= 3:
        return found, [], problems
    try:
        return *_ordered(dict(zip(names, found, strict=True)), optimizer), problems
    except _Unknown as reason:
        note = Note("dropped", "optimizer", f"{reason}; training starts with fresh slots")
        return [], [note], problems


def _ordered(found: dict[str, LazyTensor], optimizer: JSON | None) -> tuple[Tensors, list[Note]]:
    cls = optimizer["class_name"] if optimizer else ""
    config = optimizer["config"] if optimizer else {}
    if cls not in _BLOCKS:
        raise _Unknown(f"the state of {cls or 'an optimizer without config'} is not translated yet")
    if config.get("use_ema"):
        raise _Unknown("the averages that use_ema keeps are not translated yet")
    iteration = next((one for one in found if _segments(one)[-1] in _ITERATION), None)
    if iteration is None or found[iteration].shape:
        raise _Unknown("it has no iteration counter")
    rest = [one for one in found if one != iteration]
    slots = _by_slot(rest, _BLOCKS[cls], new=_segments(iteration)[-1] == "iteration")
    order = [found[iteration], *_learning_rate(config)]
    notes: list[Note] = []
    for block in _BLOCKS[cls]:
        kept = [slots[one] for one in block if one.kept(config)]
        if not all(kept):
            raise _Unknown("it was saved before its first step, or under other settings")
        notes += [
            Note("dropped", found[name].name, f"Keras 3's {cls} keeps no such slot here")
            for one in block
            if not one.kept(config)
            for name in slots[one]
        ]
        order += [found[name] for row in zip(*kept, strict=True) for name in row]
    places = (Position("optimizer", index) for index in range(len(order)))
    return [replace(one, position=at) for one, at in zip(order, places, strict=False)], notes


_ITERATION = frozenset({"iter", "iteration"})


def _by_slot(names: Sequence[str], blocks: _Blocks, new: bool) -> dict[_Slot, list[str]]:
    """Sort the weights into slots, each in the order of the variables."""
    slots: dict[_Slot, list[str]] = {one: [] for block in blocks for one in block}
    variables: dict[_Slot, list[tuple[str, ...]]] = {one: [] for one in slots}
    for name in names:
        slot, variable = _parsed(_segments(name), list(slots), new)
        if slot is None:
            raise _Unknown(f"its weight {name!r} is of no known slot")
        slots[slot].append(name)
        variables[slot].append(variable)
    orders = {tuple(order) for order in variables.values() if order}
    if len(orders) > 1:
        raise _Unknown("its slots do not belong to the same variables")
    return slots


def _parsed(
    segments: list[str], slots: list[_Slot], new: bool
) -> tuple[_Slot | None, tuple[str, ...]]:
    # OptimizerV2: Adam/dense/kernel/m. Keras 2.11: Adam/m/dense/kernel, or m/dense/kernel.
    for place in (1, 0) if new else (len(segments) - 1,):
        token = segments[place] if place < len(segments) else ""
        slot = next((one for one in slots if token in one.tokens), None)
        if slot is not None:
            return slot, (*segments[:place], *segments[place + 1 :])
    return None, ()


def _learning_rate(config: JSON) -> Tensors:
    rate: Any = config.get("learning_rate")
    if not isinstance(rate, (int, float)):
        return []  # a schedule: Keras 3 then has no such variable
    value = np.array(rate, "<f4")
    return [
        LazyTensor("optimizer.learning_rate", (), "float32", Kind.OPTIMIZER, lambda: value.copy())
    ]


def _segments(name: str) -> list[str]:
    return name.partition(":")[0].split("/")
