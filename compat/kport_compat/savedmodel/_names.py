"""Give every variable of an object graph the attribute path that a live Keras 3 model gives it.

The rules are those of ``kport/model/_walk.py``: attributes in alphabetical order, public ones
first, a leading underscore left out, layers of Sequential and functional models by their names.
A variable or layer with several paths goes by the first; the others are ties.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from kport.checkpoint import join_name, local_layer_names
from kport.errors import CorruptFileError
from kport_compat.savedmodel._graph import Graph

__all__ = ["Names", "layers_of", "name_variables"]

_LAYER = re.compile(r"layer-(\d{1,9})")
# What Keras and TensorFlow hang onto every layer beside its own attributes.
_BOOKS = frozenset(
    {
        "keras_api",
        "layers",
        "losses",
        "metrics",
        "non_trainable_variables",
        "optimizer",
        "regularization_losses",
        "signatures",
        "trainable_variables",
        "variables",
    }
)
_NOT_WEIGHTS = frozenset(
    {"_tf_keras_metric", "optimizer", "experimentalOptimizer", "signature_map"}
)
_MAX_DEPTH = 100
_MAX_TEXT = 100_000_000  # characters of all paths


@dataclass(slots=True)
class Names:
    """Paths of what a model holds.

    Arguments:
        variables: Number of a variable -> its first path.
        layers: Number of a layer -> its first path, the model's own being empty.
        ties: Second path -> first path.
    """

    variables: dict[int, str] = field(default_factory=dict)
    layers: dict[int, str] = field(default_factory=dict)
    ties: dict[str, str] = field(default_factory=dict)


def layers_of(graph: Graph, number: int) -> list[int]:
    """Return the layers of a Sequential or functional model in its order; empty for others."""
    children = graph.nodes[number].children
    found = [(int(m.group(1)), children[m.string]) for m in map(_LAYER.fullmatch, children) if m]
    return [child for _, child in sorted(found)]


def name_variables(graph: Graph) -> Names:
    """Walk the graph from its model on.

    Raises:
        CorruptFileError: It is nested beyond reason.
    """
    names = Names()
    seen: dict[int, str] = {}
    size = 0
    waiting = [(0, "", 0)]
    while waiting:
        number, path, depth = waiting.pop()
        size += len(path)
        if depth > _MAX_DEPTH or size > _MAX_TEXT:
            raise CorruptFileError("has an object graph that is nested beyond reason")
        if number in seen:
            if seen[number] != path:
                names.ties.setdefault(path, seen[number])
            continue
        seen[number] = path
        node = graph.nodes[number]
        if node.variable is not None:
            names.variables[number] = path
        elif node.identifier not in _NOT_WEIGHTS:
            if node.identifier.startswith("_tf_keras"):
                names.layers[number] = path
            below = [
                (child, _join(path, name), depth + 1) for name, child in _children(graph, number)
            ]
            waiting += reversed(below)
    held = {*names.variables.values(), *names.layers.values()}
    names.ties = {second: first for second, first in names.ties.items() if first in held}
    return names


def _children(graph: Graph, number: int) -> Iterator[tuple[str, int]]:
    node, layers = graph.nodes[number], layers_of(graph, number)
    if layers:
        named = [_class_and_name(graph, one) for one in layers]
        yield from zip(local_layer_names(named), layers, strict=True)
    if node.identifier in ("trackable_list_wrapper", "trackable_tuple_wrapper"):
        yield from ((str(at), child) for at, child in enumerate(graph.members(number)))
        return
    own = node.children
    kept = [one for one in own if one not in _BOOKS and not one.startswith(("__", "layer_with_"))]
    for name in sorted(kept, key=lambda one: (one.startswith("_"), one)):
        if not (layers and _LAYER.fullmatch(name)):
            short = name.lstrip("_")
            yield (name if short in own and short != name else short or name), own[name]


def _class_and_name(graph: Graph, number: int) -> tuple[str, str]:
    about = graph.metadata(number)
    return str(about.get("class_name", "")).rpartition(">")[2], str(about.get("name", ""))


def _join(path: str, name: str) -> str:
    return ".".join(part for part in (path, join_name(name)) if part)
