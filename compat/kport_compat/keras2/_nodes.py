"""The edges of a functional graph: inbound nodes of Keras 2 made into those of Keras 3.

Keras 2 writes a call of a layer as a list of ``[layer, node, tensor, kwargs]`` (or a dict of
such); Keras 3 as ``args`` and ``kwargs`` with ``__keras_tensor__`` in the tensors' places. A model
that is used as a layer begins with a node of its own in Keras 2, which Keras 3 does not count in
calls and counts in ``output_layers``, except for a Sequential.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from kport.checkpoint import JSON
from kport_compat.keras2._log import Log
from kport_compat.keras2._operations import ADDED, OPERATIONS
from kport_compat.keras2._raw_operations import RAW_LAYER, raw_inputs

__all__ = ["Graph", "causal_in_calls", "input_shape"]

_RECURRENT = frozenset(
    {"LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "Bidirectional"}
)
_CONSTANT = "_CONSTANT_VALUE"  # keras/engine/functional.py: a plain value in a tensor's place


class Graph:
    """The calls inside one functional model.

    Arguments:
        layers: The layers as Keras 2 wrote them.
        names: Layer name -> new name, where they differ.
        place: The model's name, for problems.
        log: Where problems go.
    """

    def __init__(
        self, layers: Sequence[JSON], names: Mapping[str, str], place: str, log: Log
    ) -> None:
        self._layers = {_name(one): one for one in layers}
        self._names = names
        self._place = place
        self._log = log
        if len(self._layers) != len(layers):
            log.problem(place, "has two layers of one name")
        for name, layer in self._layers.items():
            if not isinstance(layer.get("inbound_nodes") or [], list):
                log.problem(f"{place}.{name}", "has inbound_nodes that are no list")

    def new_name(self, layer: JSON) -> str:
        """Return the name of the layer in the translated config."""
        return self._names.get(_name(layer), _name(layer))

    def nodes(self, layer: JSON) -> list[JSON]:
        """Return the calls of a layer in Keras 3's form."""
        return [self._node(one, layer) for one in _calls(layer) if one not in ([], {})]

    def ends(self, found: Any) -> Any:
        """Return ``input_layers`` or ``output_layers`` in Keras 3's form.

        A list of one tensor is that tensor: Keras 2 calls such a model with it and gives it.
        """
        if self._is_tensor(found):
            return self._end(found)
        if isinstance(found, dict):
            return {key: self.ends(one) for key, one in found.items()}
        if not isinstance(found, list) or not found:
            self._log.problem(self._place, f"has an input or output {found!r}")
            return []
        return self.ends(found[0]) if len(found) == 1 else [self.ends(one) for one in found]

    def _end(self, found: list[Any]) -> list[Any]:
        layer = self._layers[found[0]]
        index = found[1] - self._first_node.get(found[0], 0)
        if layer["class_name"] != "Sequential" and _is_model(layer) and not self._modern:
            index += 1
        elif self._modern:
            index = found[1]
        return [self.new_name(layer), index, found[2]]

    def _node(self, node: Any, layer: JSON) -> JSON:
        if isinstance(node, dict) and set(node) == {"args", "kwargs"}:
            return node  # written by Keras 3
        kwargs = {k: self._argument(v) for k, v in self._kwargs(node).items()}
        inputs = self._argument(node)
        if layer["class_name"] == RAW_LAYER:
            return raw_inputs(layer["config"], inputs if isinstance(inputs, list) else [inputs])
        if layer["class_name"] in OPERATIONS:
            if layer["class_name"] in ADDED and isinstance(inputs, list) and len(inputs) == 1:
                inputs = inputs[0]
            return {"args": [inputs], "kwargs": kwargs}
        if isinstance(inputs, list):
            if len(inputs) == 1:
                inputs = inputs[0]
            elif layer["class_name"] in _RECURRENT:
                inputs, kwargs["initial_state"] = inputs[0], inputs[1:]
        if layer["class_name"] in _RECURRENT and kwargs.get("constants", 0) is None:
            del kwargs["constants"]
        return {"args": [inputs], "kwargs": kwargs}

    def _kwargs(self, node: Any) -> JSON:
        # Every tensor of a call repeats the call's kwargs.
        if self._is_tensor(node) or _is_constant(node):
            return node[3] if len(node) > 3 and isinstance(node[3], dict) else {}
        items = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        return next((found for one in items if (found := self._kwargs(one))), {})

    def _argument(self, found: Any) -> Any:
        if self._is_tensor(found):
            name, index, tensor = found[:3]
            history = [self.new_name(self._layers[name]), index - self._first_node[name], tensor]
            # Shape and dtype are told by the layer itself when the graph is built again.
            config = {"shape": [], "dtype": "float32", "keras_history": history}
            return {"class_name": "__keras_tensor__", "config": config}
        if isinstance(found, list):
            if _is_constant(found):
                return found[2]
            if _looks_like_tensor(found):
                self._log.problem(self._place, f"uses the output of {found[0]!r}, which it has not")
                return None
            return [self._argument(one) for one in found]
        if isinstance(found, dict):
            return {key: self._argument(one) for key, one in found.items()}
        return found

    def _is_tensor(self, found: Any) -> bool:
        return _looks_like_tensor(found) and found[0] in self._layers

    @cached_property
    def _modern(self) -> bool:
        calls = [one for layer in self._layers.values() for one in _calls(layer)]
        return any(isinstance(one, dict) and set(one) == {"args", "kwargs"} for one in calls)

    @cached_property
    def _first_node(self) -> dict[str, int]:
        """Layer name -> the index that Keras 2 gave to its first call."""
        used: dict[str, set[int]] = {name: set() for name in self._layers}
        for layer in self._layers.values():
            for name, index in _references(_calls(layer)):
                if name in used:
                    used[name].add(index)
        return {name: self._first(layer, used[name]) for name, layer in self._layers.items()}

    def _first(self, layer: JSON, used: set[int]) -> int:
        if not _is_model(layer) or 0 in used:
            return 0
        calls = len(_calls(layer))
        # One built without its input shape has no node of its own; the indices may still tell.
        return 1 if input_shape(layer)[0] is not None or (used and max(used) >= calls) else 0


def causal_in_calls(layer: JSON) -> JSON:
    """Return the layer with ``causal`` of an attention moved into its calls, where Keras 3 has it.

    Keras 2 made the argument of the layer one of its call in 2.10.
    """
    config = layer.get("config")
    attends = layer["class_name"] in ("Attention", "AdditiveAttention")
    if not attends or not isinstance(config, dict) or config.get("causal") is not True:
        return layer
    left = {key: one for key, one in config.items() if key != "causal"}
    return {**layer, "config": left, "inbound_nodes": [_causal(one) for one in _calls(layer)]}


def _causal(found: Any) -> Any:
    if _looks_like_tensor(found):
        kwargs = found[3] if len(found) > 3 and isinstance(found[3], dict) else {}
        return [*found[:3], {**kwargs, "use_causal_mask": True}]
    return [_causal(one) for one in found] if isinstance(found, list) else found


def input_shape(layer: JSON) -> tuple[list[Any] | None, str]:
    """Return the batch shape and dtype of a layer's input where its config tells them.

    Example:
        >>> input_shape({"class_name": "Dense", "config": {"batch_input_shape": [None, 4]}})
        ([None, 4], 'float32')
    """
    config = layer.get("config")
    while True:
        layers = config.get("layers") if isinstance(config, dict) else config
        if not isinstance(layers, list) or not layers or not isinstance(layers[0], dict):
            break
        config = layers[0].get("config")
    fields = config if isinstance(config, dict) else {}
    dtype = fields.get("dtype")
    shape = fields.get("batch_input_shape", fields.get("batch_shape"))
    return shape, dtype if isinstance(dtype, str) else "float32"


def _references(found: Any) -> Iterator[tuple[str, int]]:
    if _looks_like_tensor(found):
        yield found[0], found[1]
    if isinstance(found, dict):
        found = list(found.values())
    for one in found if isinstance(found, list) else ():
        yield from _references(one)


def _looks_like_tensor(found: Any) -> bool:
    return (
        isinstance(found, list)
        and len(found) in (3, 4)
        and isinstance(found[0], str)
        and all(isinstance(one, int) and not isinstance(one, bool) for one in found[1:3])
        and found[0] != _CONSTANT
    )


def _is_constant(found: Any) -> bool:
    return isinstance(found, list) and len(found) > 2 and found[:2] == [_CONSTANT, -1]


def _calls(layer: JSON) -> list[Any]:
    found = layer.get("inbound_nodes")
    return found if isinstance(found, list) else []


def _is_model(layer: JSON) -> bool:
    config = layer.get("config")
    return layer["class_name"] == "Sequential" or (
        isinstance(config, dict) and {"layers", "input_layers", "output_layers"} <= set(config)
    )


def _name(layer: JSON) -> str:
    config = layer.get("config")
    inner = config.get("name") if isinstance(config, dict) else None
    return str(layer.get("name") or inner or "")
