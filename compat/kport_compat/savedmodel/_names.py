"""Give every variable of an object graph the attribute path that a live Keras 3 model gives it.

The rules are those of ``kport/model/_walk.py``: attributes in alphabetical order, public ones
first, a leading underscore left out, layers of Sequential and functional models by their names.
A variable or layer with several paths goes by the first; the others are ties.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kport.checkpoint import JSON, join_name, local_layer_names
from kport.errors import CorruptFileError, InvalidSpecError
from kport_compat.keras2 import translate
from kport_compat.savedmodel._graph import Graph

__all__ = ["Names", "layers_of", "model_config", "name_variables"]

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
# The same of layers that draw random numbers: a generator of another kind than Keras 3's.
_GENERATORS = frozenset({"_random_generator", "random_generator"})
# Class of a layer -> attribute -> its name in Keras 3; None where Keras 3's layer has none such
# (keras/layers/ of Keras 2.15 on the one side, keras/src/layers/ of Keras 3.15 on the other).
_ATTRIBUTES: Mapping[str, Mapping[str, str | None]] = {
    "DepthwiseConv1D": {"depthwise_kernel": "kernel"},
    "DepthwiseConv2D": {"depthwise_kernel": "kernel"},
    "Discretization": {"summary": None},
    "Normalization": {  # TensorFlow 2.3 to 2.5
        "mean": "adapt_mean",
        "variance": "adapt_variance",
        "state_variables": None,
    },
}
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


def model_config(about: JSON) -> JSON:
    """Return class and config of a model or layer out of its metadata."""
    whole = about.get("model_config")
    if isinstance(whole, dict) and isinstance(whole.get("config"), dict):
        return whole
    return {"class_name": about.get("class_name"), "config": about.get("config")}


def name_variables(graph: Graph) -> Names:
    """Walk the graph from its model on.

    Raises:
        CorruptFileError: It is nested beyond reason.
    """
    names = Names()
    ties: dict[str, str] = {}
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
                ties.setdefault(path, seen[number])
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
    names.ties = _of_variables(ties, sorted(names.variables.values()))
    return names


def _of_variables(ties: Mapping[str, str], variables: Sequence[str]) -> dict[str, str]:
    """Return the ties of objects as ties of the variables that they hold."""
    found: dict[str, str] = {}
    size = 0
    for second, first in ties.items():
        if not first or second.startswith(f"{first}."):
            continue  # a part that knows the whole it belongs to
        for name in variables[bisect_left(variables, first) :]:
            if not name.startswith(first):
                break
            if name == first or name[len(first)] == ".":
                found[second + name[len(first) :]] = name
                size += len(second) + len(name)
        if size > _MAX_TEXT:
            raise CorruptFileError("has an object graph that is shared beyond reason")
    return {second: first for second, first in found.items() if second not in set(variables)}


def _children(graph: Graph, number: int) -> Iterator[tuple[str, int]]:
    node, layers = graph.nodes[number], layers_of(graph, number)
    yield from _layers(graph, number, layers)
    if node.identifier in ("trackable_list_wrapper", "trackable_tuple_wrapper"):
        yield from ((str(at), child) for at, child in enumerate(graph.members(number)))
        return
    own = node.children
    hidden = _BOOKS | _GENERATORS
    kept = [one for one in own if one not in hidden and not one.startswith(("__", "layer_with_"))]
    renamed = _ATTRIBUTES.get(_class(graph.metadata(number)), {})
    for name in sorted(kept, key=lambda one: (one.startswith("_"), one)):
        new = renamed.get(name, name)
        if new is not None and not (layers and _LAYER.fullmatch(name)):
            short = new.lstrip("_")
            yield (new if short in own and short != new else short or new), own[name]


def _layers(graph: Graph, number: int, layers: Sequence[int]) -> Iterator[tuple[str, int]]:
    """Name the layers of a Sequential or functional model as those of the translated one."""
    about = graph.metadata(number)
    if _class(about) == "Sequential":  # Keras 3's has its input, and does not count it as a layer
        layers = [one for one in layers if _class(graph.metadata(one)) != "InputLayer"]
    renamed, classes = _translated(about)
    named = []
    for one in layers:
        part = graph.metadata(one)
        old = str(part.get("name", ""))
        name = renamed.get(old, old)
        named.append((classes.get(name, _class(part)), name))
    yield from zip(local_layer_names(named), layers, strict=True)


def _translated(about: JSON) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the new names of a model's layers by the old, and their new classes by the new."""
    try:
        translation = translate(model_config(about))
    except InvalidSpecError:  # a model inside a user's object, whose own code makes it
        return {}, {}
    inner = translation.config.get("config")
    layers = inner.get("layers", []) if isinstance(inner, dict) else []
    classes = {str(one["config"].get("name")): str(one["class_name"]) for one in layers}
    return translation.layer_names, classes


def _class(about: JSON) -> str:
    return str(about.get("class_name", "")).rpartition(">")[2]


def _join(path: str, name: str) -> str:
    return ".".join(part for part in (path, join_name(name)) if part)
