"""Private calls that tell in which mode graphs call their layers; see _keras.py.

Where a functional model or a Sequential is made in the middle of a call, Keras notes the mode of
that call in its nodes, as ``training``: in this mode its layers run whenever nobody tells another.
A loaded model is made elsewhere, in the middle of no call or of another one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import chain
from typing import Any

import keras

from kport.checkpoint import JSON, ModelSpec
from kport.model._walk import Walk

__all__ = ["put_modes", "trained_always"]

_MODE = "training"
_UNTOLD = object()


def trained_always(layer: keras.Layer) -> list[int]:
    """Return which layers of a Sequential run in training mode if they are told none.

    The config of a functional model tells this, that of a Sequential does not.
    """
    if not isinstance(layer, keras.Sequential):
        return []
    return [at for at, nodes in enumerate(_calls(layer)) if any(map(_trains, nodes))]


def put_modes(found: Walk, spec: ModelSpec) -> None:
    """Let graphs that code makes call their layers in the mode in which they did.

    Reason: only the nodes know it, which no public call changes.

    Arguments:
        found: The live model.
        spec: Its definition, in a file of kport's.
    """
    for path, layer in found.layers():
        if isinstance(layer, keras.Sequential):
            _put_sequential(layer, spec.layers.get(path or ".", {}).get("training", []))
        elif path in spec.parts and isinstance(layer, keras.Model):
            _put_functional(layer, spec.parts[path]["config"])


def _put_sequential(model: keras.Sequential, trained: list[int]) -> None:
    for at, nodes in enumerate(_calls(model)):
        for node in nodes:
            if _trains(node) != (at in trained):
                _put(node, at in trained)


def _put_functional(model: keras.Model, config: JSON) -> None:
    live = list(_calls(model))
    told = _modes(config)
    if [len(one) for one in live] != [len(one) for one in told]:
        return  # it is another graph, which `require_same_layers` tells
    for node, mode in zip(chain(*live), chain(*told), strict=True):
        if mode in (None, False, True, _UNTOLD):  # and no tensor, which is of the graph itself
            _put(node, mode)


def _put(node: Any, mode: Any) -> None:
    given = {key: one for key, one in node.arguments.kwargs.items() if key != _MODE}
    if mode is not _UNTOLD:
        given[_MODE] = mode
    # Made anew, as it notes whether there is but one argument.
    node.arguments = type(node.arguments)(*node.arguments.args, **given)


def _modes(config: JSON) -> list[list[Any]]:
    """Return the modes in which a config says that each of the layers is called."""
    with contextlib.suppress(AttributeError, KeyError, TypeError):  # it is of no functional model
        return [
            [call["kwargs"].get(_MODE, _UNTOLD) for call in layer["inbound_nodes"]]
            for layer in config["config"]["layers"]
        ]
    return []


def _calls(model: Any) -> Iterator[list[Any]]:
    """Yield the nodes of each layer of a graph, in the order in which its config has them."""
    graph = getattr(model, "_functional", None) or model
    inside = {id(node) for row in getattr(graph, "_nodes_by_depth", {}).values() for node in row}
    for operation in graph.operations if inside else ():
        nodes = operation._inbound_nodes
        yield [one for one in nodes if id(one) in inside and not one.is_input]


def _trains(node: Any) -> bool:
    return node.arguments.kwargs.get(_MODE) is True
