"""Walk a live model along the object paths of a file, such as those of a TensorFlow checkpoint.

A path is a row of attributes, list indices and dict keys. The layers of Sequential and functional
models go by numbers there (``layer-3``, ``layer_with_weights-1``; ``keras/engine/functional.py`` of
Keras 2.15, `_layer_checkpoint_dependencies`), or by their names; see `_layer_edges`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from kport.checkpoint import Checkpoint, LazyTensor, join_name, split_name
from kport.components import is_users
from kport.errors import Problem
from kport.model._attributes import own_attributes
from kport.model._keras import is_graph
from kport.model._layer_edges import layer_edges, layer_names, named_layers
from kport.model._states import Bins, bins_of

__all__ = ["Found", "Tree", "find", "tree_of"]

# Class of Keras -> attributes of Keras 2 and their names in Keras 3.
_RENAMED: tuple[tuple[type, Mapping[str, str]], ...] = (
    (keras.layers.DepthwiseConv1D, {"depthwise_kernel": "kernel"}),
    (keras.layers.DepthwiseConv2D, {"depthwise_kernel": "kernel"}),
    # TensorFlow 2.3 to 2.5; what Keras 3 calls mean and variance are no variables.
    (keras.layers.Normalization, {"mean": "adapt_mean", "variance": "adapt_variance"}),
)
_MOST_STARTS = 1000  # places tried for the model; a file may hold millions
_DEEPEST = 2  # steps from the root of a file to the object that is the model


Known = dict[int, dict[str, Any]]


@dataclass(slots=True)
class Tree:
    """The paths of a file as a graph: a tree with the edges that ties add.

    Arguments:
        children: For each node its children by name; the first node is the root.
        tensors: For each node its tensor.
    """

    children: list[dict[str, int]] = field(default_factory=lambda: [{}])
    tensors: list[LazyTensor | None] = field(default_factory=lambda: [None])
    _below: dict[int, dict[str, LazyTensor]] = field(default_factory=dict)

    def at(self, path: Iterable[str]) -> int:
        """Return the node at a path, which is made where it is not there yet."""
        node = 0
        for name in path:
            if name not in self.children[node]:
                self.children[node][name] = len(self.children)
                self.children.append({})
                self.tensors.append(None)
            node = self.children[node][name]
        return node

    def below(self, node: int) -> dict[str, LazyTensor]:
        """Return every tensor that can be reached from a node, by its name."""
        if node not in self._below:
            self._below[node] = self._reached(node)
        return self._below[node]

    def _reached(self, node: int) -> dict[str, LazyTensor]:
        found: dict[str, LazyTensor] = {}
        seen, waiting = {node}, [node]
        while waiting:
            one = waiting.pop()
            tensor = self.tensors[one]
            if tensor is not None:
                found[tensor.name] = tensor
            fresh = set(self.children[one].values()) - seen
            seen |= fresh
            waiting += fresh
        return found


def tree_of(checkpoint: Checkpoint) -> Tree:
    """Return the paths of a Checkpoint, ties included."""
    tree = Tree()
    for name, tensor in checkpoint.tensors.items():
        tree.tensors[tree.at(split_name(name))] = tensor
    for second, first in checkpoint.spec.ties.items():
        *path, last = split_name(second)
        parent = tree.at(path)
        tree.children[parent].setdefault(last, tree.at(split_name(first)))
    return tree


@dataclass(slots=True)
class Found:
    """What a walk from one node of a file found.

    Arguments:
        node: Where it began.
        path: The path there, for people.
        pairs: Id of a variable -> variable and tensor.
        hooks: States that are no variables, with their tensors.
        problems: What can be read in two ways.
    """

    node: int
    path: str
    pairs: dict[int, tuple[keras.Variable, LazyTensor]] = field(default_factory=dict)
    hooks: list[tuple[Bins, LazyTensor]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def find(model: keras.Model, tree: Tree, wanted: set[int]) -> list[Found]:
    """Return the best walk, and behind it any others that are equally good.

    The model may be the root of the file or, as in ``tf.train.Checkpoint(net=model)``, below it.

    Arguments:
        model: The live model.
        tree: The paths of the file.
        wanted: Ids of the variables that should get a value.
    """
    known: Known = {}
    walks = [_walk(model, tree, Found(node, path), known) for node, path in _starts(tree).items()]
    scores = [len(wanted & one.pairs.keys()) for one in walks]
    best = max(scores)
    if not best:
        return walks[:1]
    return [one for one, score in zip(walks, scores, strict=True) if score == best]


def _starts(tree: Tree) -> dict[int, str]:
    """Return the nodes that may be the model, with their paths."""
    starts = {0: "the root"}
    left = _MOST_STARTS
    level: list[tuple[int, tuple[str, ...]]] = [(0, ())]
    for _ in range(_DEEPEST):
        level = [
            (child, (*path, name))
            for node, path in level
            for name, child in tree.children[node].items()
            if tree.children[child] and child not in starts
        ]
        level = level[:left]
        left -= len(level)
        for node, path in level:
            starts.setdefault(node, join_name(*path))
    return starts


def _walk(model: keras.Model, tree: Tree, found: Found, known: Known) -> Found:
    seen: set[tuple[int, int]] = set()
    waiting: list[tuple[Any, int]] = [(model, found.node)]
    while waiting:
        thing, node = waiting.pop()
        if (id(thing), node) in seen:
            continue
        seen.add((id(thing), node))
        tensor = tree.tensors[node]
        if isinstance(thing, keras.Variable):
            if tensor is not None:
                _pair(found, thing, tensor)
            continue
        edges = _edges(thing, known)
        if isinstance(thing, keras.Model) and is_graph(thing):
            edges = {**edges, **_numbered_layers(thing, tree, node, found.problems)}
        bins = bins_of(thing)
        if bins is not None and bins.attribute in tree.children[node]:
            learned = tree.tensors[tree.children[node][bins.attribute]]
            found.hooks += [(bins, learned)] if learned is not None else []
        renamed = next((names for kind, names in _RENAMED if isinstance(thing, kind)), {})
        for name, child in tree.children[node].items():
            ours = renamed.get(name, name)
            if ours in edges:
                waiting.append((edges[ours], child))
    return found


def _pair(found: Found, variable: keras.Variable, tensor: LazyTensor) -> None:
    _, first = found.pairs.setdefault(id(variable), (variable, tensor))
    if first is not tensor:
        text = f"goes to the variable {variable.path!r}, which {first.name!r} goes to as well"
        found.problems.append(Problem(tensor.name, text))


def _edges(thing: Any, known: Known) -> Mapping[str, Any]:
    """Return what a live object leads to by names that do not depend on the file."""
    if id(thing) not in known:
        known[id(thing)] = _new_edges(thing)
    return known[id(thing)]


def _new_edges(thing: Any) -> dict[str, Any]:
    if isinstance(thing, (list, tuple)):
        return {str(index): one for index, one in enumerate(thing)}
    if isinstance(thing, Mapping):
        return {str(key): one for key, one in thing.items()}
    if not isinstance(thing, keras.Layer) and not is_users(thing):
        return {}
    own = own_attributes(thing)
    edges = {name.lstrip("_"): value for name, value in own.items()} | own
    graph = isinstance(thing, keras.Model) and is_graph(thing)
    return {**edges, **named_layers(thing)} if graph else edges


def _numbered_layers(
    model: keras.Model, tree: Tree, node: int, problems: list[Problem]
) -> dict[str, keras.Layer]:
    # Of the numbers in a file only those that the model can have: a file may hold any.
    children = tree.children[node]
    names = [name for name in layer_names(len(model.layers)) if name in children]
    return layer_edges(model, {name: tree.below(children[name]) for name in names}, problems)
