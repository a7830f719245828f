"""The tensors of a SavedModel, each at its place in the layer that owns it.

Order within a layer is Keras's own, ``trainable_weights + non_trainable_weights``: the object graph
lists both of every layer, as ``trainable_variables`` and ``keras_api/non_trainable_variables``
(``keras/saving/legacy/saved_model/serialized_attributes.py`` of Keras 2.12).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from kport.checkpoint import Kind, LazyTensor, Note, Position, join_name
from kport.errors import Problem, UnreadableError
from kport_compat.savedmodel._graph import Graph
from kport_compat.savedmodel._names import Names, layers_of
from kport_compat.tensorbundle import Bundle

__all__ = ["by_attribute", "by_position", "left_out"]

Keys = Mapping[int, str]


def by_position(
    graph: Graph,
    keys: Keys,
    bundle: Bundle,
    renamed: Mapping[str, str],
    gone: Collection[str],
) -> list[LazyTensor]:
    """Return the weights of a Sequential or functional model, by layer and place.

    Arguments:
        graph: The object graph.
        keys: Variable -> key of the bundle.
        bundle: The values.
        renamed: Layer name of the file -> of the translated config, where they differ.
        gone: Last parts of the names of weights that Keras 3's layers do not have.

    Raises:
        UnreadableError: Weights of the model have no value; all are named.
    """
    tensors: list[LazyTensor] = []
    problems: list[Problem] = []
    taken: dict[str, int] = {}
    for layer in dict.fromkeys(layers_of(graph, 0)):
        old = str(graph.metadata(layer).get("name", ""))
        name = renamed.get(old, old)
        kept = [one for one in _weights(graph, layer) if _last(graph, one) not in gone]
        for index, number in enumerate(kept):
            title = _unlike(join_name(name, *_segments(graph, number, old)), taken)
            if number not in keys:
                problems.append(Problem(title, "has no value in the checkpoint", "missing"))
                continue
            kind = Kind.PARAMETER if graph.nodes[number].trainable else Kind.STATE
            tensors.append(bundle.lazy(keys[number], title, kind, Position(name, index)))
    if problems:
        raise UnreadableError("has weights without values", problems=problems)
    return tensors


def by_attribute(
    graph: Graph, keys: Keys, bundle: Bundle, names: Names, gone: Collection[str]
) -> list[LazyTensor]:
    """Return the weights of a subclassed model, by attribute path."""
    return [
        bundle.lazy(
            keys[number], path, Kind.PARAMETER if graph.nodes[number].trainable else Kind.STATE
        )
        for number, path in names.variables.items()
        if number in keys and _last(graph, number) not in gone
    ]


def left_out(keys: Keys, graph: Graph, tensors: Collection[LazyTensor]) -> Iterator[Note]:
    """Tell what of the file is in no tensor."""
    optimizer = graph.child(0, "optimizer")
    if optimizer is not None and graph.nodes[optimizer].children:
        text = "the state of an optimizer in a SavedModel is not translated yet"
        yield Note("dropped", "optimizer", f"{text}; training starts with fresh slots")
    weights = {number for number in keys if graph.nodes[number].trainable}
    missing = len(weights) - sum(one.kind is Kind.PARAMETER for one in tensors)
    if missing > 0:
        text = "belong to no layer of the config: traced functions alone use them"
        yield Note("dropped", "variables", f"{missing} trainable variables {text}")


def _weights(graph: Graph, layer: int) -> list[int]:
    """Return the variables of a layer in Keras's order."""
    listed = graph.members(graph.child(layer, "trainable_variables"))
    listed += graph.members(graph.child(layer, "keras_api", "non_trainable_variables"))
    listed += graph.members(graph.child(layer, "variables"))
    if graph.child(layer, "variables") is None:
        # Preprocessing layers list nothing; their variables are attributes of their own.
        listed = list(graph.nodes[layer].children.values())
    return [one for one in dict.fromkeys(listed) if graph.nodes[one].variable is not None]


def _segments(graph: Graph, number: int, layer: str) -> list[str]:
    segments = (graph.nodes[number].variable or "").partition(":")[0].split("/")
    head = layer.split("/")
    return segments[len(head) :] if segments[: len(head)] == head else segments


def _last(graph: Graph, number: int) -> str:
    return (graph.nodes[number].variable or "").partition(":")[0].rpartition("/")[2]


def _unlike(stem: str, taken: dict[str, int]) -> str:
    name = stem
    while name in taken:
        taken[stem] += 1
        name = f"{stem}_{taken[stem]}"
    taken[name] = 0
    return name
