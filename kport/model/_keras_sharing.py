"""Private calls by which one object that stands at many places stays one; see _keras.py."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import keras
from keras.src.backend.common import global_state
from keras.src.models import functional
from keras.src.saving import serialization_lib

from kport.checkpoint import MARK

__all__ = ["loading_scope", "put_dtype", "sharing_scope", "tensors_told"]


@contextlib.contextmanager
def sharing_scope() -> Iterator[None]:
    """The scope in which every object is marked with its id, for its second place to tell.

    Reason: Keras's own scope marks the first place of an object when it comes to the second. By
    then the configs of functional and Sequential models are copies, and their layers unmarked.
    """
    original = serialization_lib.record_object_after_serialization
    kept: list[Any] = []  # the next object at an address would be taken for the one before

    def record(thing: Any, config: dict[str, Any]) -> None:
        original(thing, config)
        kept.append(thing)
        config[MARK] = id(thing)

    serialization_lib.record_object_after_serialization = record
    try:
        with serialization_lib.ObjectSharingScope(), _repeated_layers():
            yield
    finally:
        serialization_lib.record_object_after_serialization = original


@contextlib.contextmanager
def _repeated_layers() -> Iterator[None]:
    """Let the config of a Sequential have a layer as often as the Sequential has it.

    Reason: its `get_config` goes through `Model.layers`, which has each layer once; its
    `from_config` takes a layer again that is marked as the same.
    """
    original = keras.Sequential.get_config

    def get_config(self: Any) -> dict[str, Any]:
        config: dict[str, Any] = original(self)
        if len(set(map(id, self._layers))) < len(self._layers):
            by_name = {one["config"]["name"]: one for one in config["layers"]}
            config["layers"] = [dict(by_name[layer.name]) for layer in self._layers]
        return config

    keras.Sequential.get_config = get_config
    try:
        yield
    finally:
        keras.Sequential.get_config = original


@contextlib.contextmanager
def loading_scope(*, dtypes: bool = True) -> Iterator[None]:
    """The scope in which one ``shared_object_id`` of the file stands for one object.

    Arguments:
        dtypes: Whether the dtypes that the file tells of a graph's tensors are those of the model.

    Reason: Keras's own scope also marks what constructors serialize by its memory address. Wrappers
    do so with layers that are gone afterwards, and the next layer at such an address was taken for
    the one before: two Bidirectional layers in one model failed now and then.
    """
    remembered = _remembered_dtypes() if dtypes else contextlib.nullcontext()
    with serialization_lib.ObjectSharingScope(), _counted_calls(), remembered:
        global_state.set_global_attribute("shared_objects/id_to_config_map", None)
        yield


@contextlib.contextmanager
def _counted_calls() -> Iterator[None]:
    """Let a functional model have layers that another one has, too.

    Reason: a config names a tensor by the layer it comes out of and by which of the layer's calls
    in this model made it. `functional_from_config` looks it up among all calls of the layer, of
    which other models may have made the first.
    """
    original = functional.functional_from_config

    def from_config(cls: Any, config: dict[str, Any], custom_objects: Any = None) -> Any:
        if all("module" in one for one in config["layers"]):
            # Under a mark Keras finds again, instead of making it a second time, what is made here.
            layers = [{MARK: object(), **one} for one in config["layers"]]
            made = {
                one["name"]: serialization_lib.deserialize_keras_object(
                    one, custom_objects=custom_objects
                )
                for one in layers
            }
            for name, layer in made.items():
                layer.name = name  # the config of one whose constructor takes no name has none
            config = _counted_on({**config, "layers": layers}, made)
        return original(cls, config, custom_objects)

    functional.functional_from_config = from_config
    try:
        yield
    finally:
        functional.functional_from_config = original


def _counted_on(config: dict[str, Any], made: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config of a functional model, its calls counted from those there are."""
    calls = {
        name: len(getattr(layer, "_inbound_nodes", ()))
        for name, layer in made.items()
        if not isinstance(layer, keras.layers.InputLayer)  # which calls itself, once for all models
    }
    if not any(calls.values()):
        return config
    ends = {key: _moved(config[key], calls) for key in ("input_layers", "output_layers")}
    layers = [
        {**one, "inbound_nodes": _moved(one["inbound_nodes"], calls)} for one in config["layers"]
    ]
    return {**config, **ends, "layers": layers}


def _moved(node: Any, calls: Mapping[str, int]) -> Any:
    """Add to the number of a call wherever a tensor is named: layer, call, which of its outputs."""
    if isinstance(node, dict):
        return {key: _moved(value, calls) for key, value in node.items()}
    if not isinstance(node, (list, tuple)):
        return node
    name, *numbers = node or [None]
    if isinstance(name, str) and name in calls and [type(one) for one in numbers] == [int, int]:
        return [name, numbers[0] + calls[name], numbers[1]]
    return type(node)(_moved(item, calls) for item in node)


@contextlib.contextmanager
def _remembered_dtypes() -> Iterator[None]:
    """Let the tensors of a graph have the dtypes that they had in the model that was saved.

    Reason: Keras infers them by calling layers with symbols. On PyTorch it infers float32 out of a
    layer that computes in half precision and has its weights, and half precision out of its copy.
    """
    original = functional.deserialize_node

    def deserialize_node(node: Any, created_layers: Mapping[str, Any]) -> Any:
        arguments = original(node, created_layers)
        for told in tensors_told(node) if isinstance(node, dict) else ():
            name, call, index = told["keras_history"]
            put_dtype(
                created_layers[name]._inbound_nodes[call].output_tensors[index], told["dtype"]
            )
        return arguments

    functional.deserialize_node = deserialize_node
    try:
        yield
    finally:
        functional.deserialize_node = original


def put_dtype(tensor: Any, dtype: str) -> None:
    """Let a symbolic tensor be of another floating-point dtype than Keras inferred."""
    if all(map(keras.backend.is_float_dtype, (tensor.dtype, dtype))):
        tensor._dtype = dtype


def tensors_told(node: Any) -> Iterator[Any]:
    """Yield what a config tells of each tensor that a layer is called with."""
    if isinstance(node, list):
        for item in node:
            yield from tensors_told(item)
    elif isinstance(node, dict):
        if node.get("class_name") != "__keras_tensor__":
            yield from tensors_told(list(node.values()))
        elif node["config"].get("keras_history"):
            yield node["config"]
