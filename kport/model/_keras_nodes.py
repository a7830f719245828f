"""Private calls that give the nodes of graphs what they had; see _keras.py.

Where a functional model or a Sequential is made in the middle of a call, Keras notes the mode of
that call in its nodes, as ``training``: in this mode its layers run whenever nobody tells another.
Of what they give in this mode it also infers the dtypes. A loaded model is made elsewhere, in the
middle of no call or of another one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import chain
from typing import Any

import keras

from kport.checkpoint import JSON, ModelSpec
from kport.errors import LoadError, mapped
from kport.model._keras_sharing import put_dtype, tensors_told
from kport.model._walk import Walk

__all__ = ["put_nodes", "trained_always"]

_MODE = "training"
_UNTOLD = object()


def trained_always(layer: keras.Layer) -> list[int]:
    """Return which layers of a Sequential run in training mode if they are told none.

    The config of a functional model tells this, that of a Sequential does not.
    """
    if not isinstance(layer, keras.Sequential):
        return []
    return [at for at, nodes in enumerate(_calls(layer)) if any(map(_trains, nodes))]


def put_nodes(found: Walk, spec: ModelSpec, *, dtypes: bool = True) -> None:
    """Let graphs that code makes call their layers in the mode in which they did.

    And let their tensors have the dtypes they had. Reason: only the nodes know the mode, which no
    public call changes.

    Arguments:
        found: The live model.
        spec: Its definition, in a file of kport's.
        dtypes: Whether the dtypes that the file tells of a graph's tensors are those of the model.

    Raises:
        LoadError: There is no such dtype.
    """
    for path, layer in found.layers():
        if isinstance(layer, keras.Sequential):
            _put_sequential(layer, spec.layers.get(path or ".", {}).get("training", []))
        elif path in spec.parts and isinstance(layer, keras.Model):
            with mapped(LoadError, f"the graph of {path} cannot be as it was"):
                _put_functional(layer, spec.parts[path]["config"], dtypes)


def _put_sequential(model: keras.Sequential, trained: list[int]) -> None:
    for at, nodes in enumerate(_calls(model)):
        for node in nodes:
            if _trains(node) != (at in trained):
                _put_mode(node, at in trained)


def _put_functional(model: keras.Model, config: JSON, dtypes: bool) -> None:
    live, told = list(_calls(model)), _calls_told(config)
    if [len(nodes) for nodes in live] != [len(calls) for calls in told]:
        return  # it is another graph, which `require_same_layers` tells
    for node, (mode, of_tensors) in zip(chain(*live), chain(*told), strict=True):
        if mode in (None, False, True, _UNTOLD):  # and no tensor, which is of the graph itself
            _put_mode(node, mode)
        for tensor, dtype in zip(node.input_tensors, of_tensors if dtypes else (), strict=False):
            put_dtype(tensor, dtype)


def _calls_told(config: JSON) -> list[list[tuple[Any, list[str]]]]:
    """Return mode and dtypes of what it is given for each call of each layer in a graph."""
    with contextlib.suppress(AttributeError, KeyError, TypeError):  # it is of no functional model
        return [
            [
                (call["kwargs"].get(_MODE, _UNTOLD), [one["dtype"] for one in tensors_told(call)])
                for call in layer["inbound_nodes"]
            ]
            for layer in config["config"]["layers"]
        ]
    return []


def _put_mode(node: Any, mode: Any) -> None:
    given = {key: one for key, one in node.arguments.kwargs.items() if key != _MODE}
    if mode is not _UNTOLD:
        given[_MODE] = mode
    # Made anew, as it notes whether there is but one argument.
    node.arguments = type(node.arguments)(*node.arguments.args, **given)


def _calls(model: Any) -> Iterator[list[Any]]:
    """Yield the nodes of each layer of a graph, in the order in which its config has them."""
    graph = getattr(model, "_functional", None) or model
    inside = {id(node) for row in getattr(graph, "_nodes_by_depth", {}).values() for node in row}
    for operation in graph.operations if inside else ():
        nodes = operation._inbound_nodes
        yield [one for one in nodes if id(one) in inside and not one.is_input]


def _trains(node: Any) -> bool:
    return node.arguments.kwargs.get(_MODE) is True
