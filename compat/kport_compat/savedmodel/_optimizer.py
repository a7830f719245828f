"""The state of the optimizer in a SavedModel, which Keras 2 itself did not read back."""

from __future__ import annotations

from collections.abc import Mapping

from kport.checkpoint import JSON, Kind, LazyTensor, Note
from kport_compat.tensorbundle import Bundle, tracked_objects
from kport_compat.training import StateGraph, tracked_state

__all__ = ["optimizer_state"]


def optimizer_state(
    bundle: Bundle,
    keys: Mapping[int, str],
    variables: Mapping[int, str],
    optimizer: JSON | None,
) -> tuple[list[LazyTensor], list[Note]]:
    """Return the state with a `Slot` each; nothing but a note where it is not certain.

    Arguments:
        bundle: The values.
        keys: Variable of the object graph -> key of its value.
        variables: Variable of the object graph -> name of its tensor.
        optimizer: The translated config of the optimizer, None where there is none.
    """
    weights = {keys[number]: name for number, name in variables.items() if number in keys}
    objects = tracked_objects(bundle)
    node = objects[0].children.get("optimizer") if objects else None
    if node is None or not objects[node].children:
        return [], []
    graph = StateGraph(objects, lambda key: bundle.lazy(key, key, Kind.OPTIMIZER), weights)
    return tracked_state(graph, node, optimizer)
