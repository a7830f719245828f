"""State in a TensorFlow checkpoint, by its object graph.

``OptimizerV2`` keeps its slots as ``slot_variables`` of its node, each with the variable it belongs
to; the optimizers of Keras 2.11 and later keep a list ``_variables`` whose names say it
(``tensorflow/core/protobuf/trackable_object_graph.proto`` of TensorFlow 2.15;
``keras/optimizers/optimizer.py`` of Keras 2.12).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from kport.checkpoint import JSON, LazyTensor, Note
from kport_compat.tensorbundle import Tracked
from kport_compat.training._listed import variable_by_variable
from kport_compat.training._named import named_state
from kport_compat.training._state import Builder, Found, or_fresh
from kport_compat.training._tables import LOSS_SCALE, SCALARS, UnknownState

__all__ = ["StateGraph", "tracked_state"]

_Result = tuple[list[LazyTensor], list[Note]]


@dataclass(frozen=True, slots=True)
class StateGraph:
    """The object graph of a checkpoint, with what the state of an optimizer needs beside it.

    Arguments:
        objects: The objects.
        read: Key of a value -> its tensor.
        weights: Key of a variable's value -> the name of its tensor in the Checkpoint.
        ordered: See `named_state`.
    """

    objects: Sequence[Tracked]
    read: Callable[[str], LazyTensor]
    weights: Mapping[str, str]
    ordered: bool = True


def tracked_state(graph: StateGraph, number: int, optimizer: JSON | None) -> _Result:
    """Return the state with a `Slot` each; nothing but a note where it is not certain.

    Arguments:
        graph: The object graph of the checkpoint.
        number: The object that is the optimizer.
        optimizer: The translated config of the optimizer, None where there is none.
    """
    node = graph.objects[number]
    scalars = _scalars(graph, node.children)
    if "_variables" in node.children:
        return _listed(graph, graph.objects[node.children["_variables"]], scalars, optimizer)
    return or_fresh(lambda: _slotted(graph, node, scalars, Builder(optimizer)))


def _scalars(graph: StateGraph, children: Mapping[str, int]) -> dict[str, LazyTensor]:
    scale = children.get("loss_scale")
    below = {} if scale is None else graph.objects[scale].children
    found = {}
    for name, child in {**children, **below}.items():
        short, key = name.lstrip("_"), graph.objects[child].key
        if key is not None and short in _NUMBERS:
            found[_NUMBERS[short]] = graph.read(key)
    return found


_NUMBERS = {name: name for name in (*SCALARS, *LOSS_SCALE)} | {"m_cache": "momentum_cache"}


def _listed(
    graph: StateGraph, node: Tracked, scalars: Mapping[str, LazyTensor], optimizer: JSON | None
) -> _Result:
    places = sorted((one for one in node.children if one.isdecimal() and len(one) < 10), key=int)
    members = [graph.objects[node.children[place]] for place in places]
    values = [(one.full_name, graph.read(one.key)) for one in members if one.key is not None]
    found = dict(values)
    if len(found) < len(values) and graph.ordered:
        return variable_by_variable([tensor for _, tensor in values], optimizer)
    if len(found) < len(values):
        return [], [Note("dropped", "optimizer", "two of its values have one name; it stays fresh")]
    known = {name.rpartition("/")[2] for name in found} | {"iterations"}
    rest = {name: one for name, one in scalars.items() if name not in known}
    return named_state({**found, **rest}, optimizer, _by_variable_name(graph), graph.ordered)


def _by_variable_name(graph: StateGraph) -> dict[str, str]:
    """Return full name -> name of the tensor, for variables whose name stands for one."""
    named = [
        (one.full_name, graph.weights[one.key])
        for one in graph.objects
        if one.key is not None and one.key in graph.weights
    ]
    counts = Counter(name for name, _ in named)
    return {name: title for name, title in named if counts[name] == 1}


def _slotted(
    graph: StateGraph, node: Tracked, scalars: Mapping[str, LazyTensor], state: Builder
) -> _Result:
    for name, tensor in scalars.items():
        state.scalar(name, tensor)
    by_token = {token: kind for kind in state.kinds for token in kind.tokens}
    found = []
    for original, token, value in node.slots:
        if token not in by_token:
            raise UnknownState(f"its slot {token!r} is not known")
        variable, key = graph.objects[original].key or "", graph.objects[value].key
        if key is not None:
            owner = graph.weights.get(variable)
            found.append(Found(by_token[token], variable, owner, graph.read(key)))
    state.slots(found)
    return state.finish()
