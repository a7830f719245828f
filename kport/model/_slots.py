"""Find the variables of a Keras 3 optimizer for the state of an old one.

Old files order and name slots in their own ways, so each comes with what it belongs to
(`kport.checkpoint.Slot`). The optimizer of a live model keeps slots for the variables that are
trained now; slots of others are left out and said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import keras

from kport.checkpoint import Kind, LazyTensor, ReportLine, Slot
from kport.model._keras import trained_variables
from kport.model._plan import Pair, Plan
from kport.model._walk import Walk

__all__ = ["place_slots"]

_ROOT = "optimizer"
# compile() of a mixed_float16 model puts a loss scale around the optimizer it is given.
_ROOTS = (f"{_ROOT}.inner_optimizer", _ROOT)

Names = Mapping[str | int, str]
"""What a slot says it belongs to -> the name of that variable in the model."""


def place_slots(state: Sequence[LazyTensor], model: keras.Model, found: Walk, plan: Plan) -> None:
    """Add the state of an optimizer to a plan: all that has a place, or nothing where none fits.

    Arguments:
        state: Tensors with a `Slot`.
        model: The model, compiled.
        found: Its variables.
        plan: Where the weights go; it is added to.
    """
    if not state:
        return
    weights = {pair.tensor.name: pair.name for pair in plan.pairs}
    for names in ({**weights, **numbered} for numbered in _numberings(state, model, found)):
        pairs = [pair for one in state if (pair := _pair(one, names, found)) is not None]
        if _fits(state, pairs):
            plan.pairs += pairs
            placed = {id(pair.tensor) for pair in pairs}
            plan.lines += [_left_out(one) for one in state if id(one) not in placed]
            return
    why = "it fits no variables that this model trains; training starts with fresh slots"
    plan.lines += [ReportLine("dropped", one.name, why) for one in state]


def _numberings(
    state: Sequence[LazyTensor], model: keras.Model, found: Walk
) -> Iterator[dict[str | int, str]]:
    """Yield the variables that numbers can mean: those trained now, then all that ever can be."""
    names = found.names()
    optimizer = dict(found.optimizers()).get(_ROOT)
    trained = enumerate(trained_variables(optimizer) if optimizer else [])
    now = [names.get(id(one), str(i)) for i, one in trained]  # as `walk` names its slots
    order = [names[id(one)] for one in model.variables if id(one) in names]
    count = len({one.slot.of for one in state if one.slot and isinstance(one.slot.of, int)})
    for known in (now, [name for name in order if found.kinds[name] is Kind.PARAMETER]):
        if count in (0, len(known)):
            yield dict(enumerate(known))


def _pair(tensor: LazyTensor, names: Names, found: Walk) -> Pair | None:
    slot = tensor.slot or Slot("")
    end = "" if slot.of is None else f".{names.get(slot.of, '')}"
    for root in _ROOTS:
        name = f"{root}.{slot.attribute}{end}"
        if name in found.variables:
            return Pair(name, tensor, found.variables[name])
    return None


def _fits(state: Sequence[LazyTensor], pairs: Sequence[Pair]) -> bool:
    if any(pair.tensor.shape != tuple(pair.variable.shape) for pair in pairs):
        return False
    wanted = any(one.slot and one.slot.of is not None for one in state)
    return not wanted or any(pair.tensor.slot and pair.tensor.slot.of is not None for pair in pairs)


def _left_out(tensor: LazyTensor) -> ReportLine:
    why = "belongs to a variable that this model does not train"
    if tensor.slot is None or tensor.slot.of is None:
        why = "the optimizer has no such state"
    return ReportLine("dropped", tensor.name, why)
