"""What code has done to a layer after its config: its dtype policy, quantization, LoRA, inference.

Keras writes these into the config of a layer, which says nothing of layers that a user's code
creates, nor of those inside Keras's own composite layers. So each layer's are kept by its path; and
what else the config of a layer that code creates would say, for loading to hold against the code.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import keras

from kport.checkpoint import JSON, names_below
from kport.components import kind_of, resolve
from kport.errors import LoadError, mapped
from kport.model._inference import infers_always, set_inference
from kport.model._keras import give_policy, move_layer, without_tensorflow
from kport.model._keras_nodes import trained_always
from kport.model._keras_sets import order_of_sets
from kport.model._walk import Walk
from kport.model.changes import changes_of, put_values

__all__ = ["adapt_layers", "layer_states", "set_policies"]


def layer_states(found: Walk, told: Collection[int]) -> Iterator[tuple[str, JSON]]:
    """Yield path and state of every layer; the model itself is ``.``.

    A layer that is reached by two paths is there under both, as it may come back as two layers.

    Arguments:
        found: The model.
        told: The ids of what its config tells.
    """
    states = {path: state for path, layer in found.layers() if (state := dict(_state(layer)))}
    for path, key, change in changes_of(found, told):
        states.setdefault(path, {})[key] = change
    if not found.owners[0].thing.built:  # of which only the parts are called, such as a GAN
        states.setdefault("", {})["unbuilt"] = True
    for path, state in states.items():
        yield path or ".", state
    ordered = sorted(states)
    for second, first in found.ties.items():
        if first in states:
            yield second, states[first]
        for path in names_below(first, ordered):
            yield second + path[len(first) :], states[path]


def _state(layer: keras.Layer) -> Iterator[tuple[str, Any]]:
    policy = _policy(layer)
    if _is_told_by_its_name(policy):
        yield "dtype", policy.name
        if _has_map(layer):
            yield "mapped", True
    config = getattr(layer, "quantization_config", None)
    if policy.quantization_mode and kind_of(type(config)) == "quantization config":
        with without_tensorflow():
            plain = json.loads(json.dumps(keras.saving.serialize_keras_object(config)))
        yield "quantization_config", plain
    if getattr(layer, f"is_{policy.quantization_mode}_calibrated", False):
        yield "calibrated", True
    if getattr(layer, "lora_enabled", False):
        yield "lora", [int(layer.lora_rank), layer.lora_alpha]
    if infers_always(layer):
        yield "inference", True
    if len(order := order_of_sets(layer)) > 1:
        yield "sets", order
    if trained := trained_always(layer):
        yield "training", trained


def _is_told_by_its_name(policy: Any) -> bool:
    """Whether it is a policy of Keras's own; a user's class stands in the config of its layer."""
    return type(policy).__module__.startswith("keras.")


def _policy(layer: keras.Layer) -> Any:
    """The policy that holds for a layer: a map of policies goes by paths, which can change."""
    policy = layer.dtype_policy
    return (
        policy[layer.path] if _has_map(layer) and layer.path else policy
    )  # none before it is built


def _has_map(layer: keras.Layer) -> bool:
    return isinstance(layer.dtype_policy, keras.dtype_policies.DTypePolicyMap)


def set_policies(found: Walk, states: Mapping[str, JSON]) -> None:
    """Give each layer its dtype policy; one that is not built yet makes its variables by it.

    Raises:
        LoadError: There is no such policy, or the layer does not take it.
    """
    layers = dict(found.layers())
    for path, layer in layers.items():
        state = states.get(path or ".", {})
        if "dtype" in state and _has_map(layer) and not state.get("mapped"):
            _leave_map(layer, state)
        if state.get("dtype", _policy(layer).name) != _policy(layer).name:
            with mapped(LoadError, f"the layer {path} has a map of policies that is ambiguous"):
                _move(layer, [one.name for one in _around(path, layers)], state["dtype"])
        if state.get("dtype", _policy(layer).name) != _policy(layer).name:
            with mapped(LoadError, f"the layer {path} cannot have the policy {state['dtype']!r}"):
                _set_policy(layer, keras.dtype_policies.get(state["dtype"]), _config(state))


def _leave_map(layer: keras.Layer, state: JSON) -> None:
    """Give a layer the policy of its own that it had, where a config has a map for all layers.

    Such a map is how models of users tell which of their layers were quantized; it leaves out how.
    """
    built = layer.built and layer.path
    give_policy(layer, _policy(layer) if built else keras.dtype_policies.get(state["dtype"]))
    config = _config(state)
    if config is not None:
        layer.quantization_config = config
    if config is not None and hasattr(layer, "inputs_quantizer"):
        default = layer.inputs_quantizer
        layer.inputs_quantizer = config.activation_quantizer_or_default(config, default)


def _around(path: str, layers: Mapping[str, keras.Layer]) -> Iterator[keras.Layer]:
    """Yield the layers that a path leads through, the model first."""
    steps = path.split(".")
    for count in range(len(steps)):
        if (start := ".".join(steps[:count])) in layers:
            yield layers[start]


def _move(layer: keras.Layer, around: list[str], wanted: str) -> None:
    """Give a layer the path by which its map of policies has the one that is wanted."""
    path = "/".join([*around, layer.name])
    if _has_map(layer) and layer.dtype_policy[path].name == wanted:
        move_layer(layer, path)


def _config(state: JSON) -> Any:
    if "quantization_config" not in state:
        return None
    checked = resolve({"quantization_config": state["quantization_config"]}, {}, {})
    return keras.saving.deserialize_keras_object(checked["quantization_config"])


def _set_policy(layer: keras.Layer, policy: Any, config: Any) -> None:
    if policy.quantization_mode and layer.built:
        # It was built in floating point, as a part of a layer of Keras's own.
        layer.dtype_policy = policy.name.partition("_from_")[2]
        layer.quantize(policy.quantization_mode, type_check=False, config=config)
    elif config is not None:
        layer.quantization_config = config
    if _policy(layer).name != policy.name:
        layer.dtype_policy = policy


def adapt_layers(found: Walk, states: Mapping[str, JSON]) -> None:
    """Make the adapters that layers had, and let those infer that always did.

    Raises:
        LoadError: A layer does not take an adapter, or an attribute.
    """
    for path, layer in found.layers():
        state = states.get(path or ".", {})
        if "lora" in state:
            with mapped(LoadError, f"the layer {path} cannot have a LoRA adapter"):
                _adapt(layer, *state["lora"])
        if "calibrated" in state:
            setattr(layer, f"is_{_policy(layer).quantization_mode}_calibrated", True)
        if "inference" in state:
            set_inference(layer, True)
    put_values(found, states, whole=False)


def _adapt(layer: keras.Layer, rank: int, alpha: float) -> None:
    if not layer.lora_enabled:
        layer.enable_lora(rank, lora_alpha=alpha)
    layer.lora_alpha = alpha  # Keras forgets it where it enables LoRA out of a config
