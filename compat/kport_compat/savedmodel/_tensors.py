"""The tensors of a SavedModel, by the attribute paths of the variables they are values of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from kport.checkpoint import Kind, LazyTensor, Note
from kport.errors import Problem, UnreadableError
from kport_compat.savedmodel._graph import Graph
from kport_compat.savedmodel._names import Names
from kport_compat.tensorbundle import Bundle

__all__ = ["left_out", "tensors_of"]

Keys = Mapping[int, str]


def tensors_of(graph: Graph, keys: Keys, bundle: Bundle, names: Names) -> list[LazyTensor]:
    """Return the weights of a model, by attribute path.

    Arguments:
        graph: The object graph.
        keys: Variable -> key of the bundle.
        bundle: The values.
        names: The paths.

    Raises:
        UnreadableError: Weights of the model have no value; all are named.
    """
    without = [path for number, path in names.variables.items() if number not in keys]
    if without:
        raise UnreadableError(
            "has weights without values",
            problems=[Problem(one, "has no value in the checkpoint", "missing") for one in without],
        )
    return [
        bundle.lazy(
            keys[number], path, Kind.PARAMETER if graph.nodes[number].trainable else Kind.STATE
        )
        for number, path in names.variables.items()
    ]


def left_out(keys: Keys, graph: Graph, tensors: Collection[LazyTensor]) -> Iterator[Note]:
    """Tell what of the file is in no tensor."""
    weights = {number for number in keys if graph.nodes[number].trainable}
    missing = len(weights) - sum(one.kind is Kind.PARAMETER for one in tensors)
    if missing > 0:
        text = "belong to no layer of the config: traced functions alone use them"
        yield Note("dropped", "variables", f"{missing} trainable variables {text}")
