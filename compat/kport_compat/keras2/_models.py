"""Sequential and functional models of Keras 2 made into those of Keras 3.

Forms: ``keras/engine/sequential.py`` and ``keras/engine/functional.py`` of Keras 2.12
(`get_config`), ``keras/src/models/functional.py`` of Keras 3.15 (`functional_from_config`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from kport.checkpoint import JSON
from kport_compat.keras2._log import Log
from kport_compat.keras2._nodes import Graph, causal_in_calls, input_shape
from kport_compat.keras2._objects import component, custom, is_object, layer
from kport_compat.keras2._rules import MASKABLE

__all__ = ["layer_or_model", "model", "renamed"]

_FORBIDDEN = re.compile("[/.]")
_FUNCTIONAL = "keras.src.models.functional"  # where Keras 3 itself says a functional model lives


def model(node: JSON | list[Any], log: Log) -> JSON:
    """Return the outermost model in Keras 3's form."""
    if isinstance(node, list):  # Keras 1, and Sequential up to Keras 2.2.2 inside a class_name
        node = {"class_name": "Sequential", "config": node}
    if not is_object(node):
        log.problem("model_config", "has no class_name and config of a model")
        return {}
    new = layer_or_model(node, log)
    name = str(new["config"].get("name", "")) if new else ""
    if "/" in name:
        new["config"]["name"] = name.replace("/", "_")
        log.translated(name, f"named {new['config']['name']!r}: Keras 3 allows no '/' in names")
    if new and isinstance(node.get("build_config"), dict) and "layers" not in new["config"]:
        # What a class of the user's was built with: its code alone does not tell the shapes.
        new["build_config"] = node["build_config"]
    return new


def layer_or_model(node: JSON, log: Log) -> JSON:
    """Return a layer in Keras 3's form, whether it is a model or not."""
    config = node["config"]
    if node["class_name"] == "Sequential":
        return _sequential(config, log)
    if isinstance(config, dict) and {"layers", "input_layers", "output_layers"} <= set(config):
        return _functional(node, log)
    if node["class_name"] in ("Model", "Functional"):
        log.problem(str(node["class_name"]), "has no layers in its config")
        return {}
    return layer(node, log)


def renamed(layers: Sequence[Any]) -> dict[str, str]:
    """Return the layer names that some backend forbids -> new names, all unlike.

    Keras 3 splits names at slashes, PyTorch the names of parameters at dots.

    Example:
        >>> renamed([{"config": {"name": "a/b"}}, {"config": {"name": "a_b"}}])
        {'a/b': 'a_b_1'}
    """
    taken = {_name(one) for one in layers}
    new: dict[str, str] = {}
    for one in layers:
        name = _name(one)
        stem = _FORBIDDEN.sub("_", name)
        if stem != name:
            numbers = (f"{stem}_{number}" for number in range(1, len(layers) + 2))
            new[name] = next(one for one in (stem, *numbers) if one not in taken)
            taken.add(new[name])
    return new


def _sequential(config: Any, log: Log) -> JSON:
    if isinstance(config, list):
        config = {"layers": config}
    fields = config if isinstance(config, dict) else {}
    layers = _layers(fields.get("layers"), "Sequential", log)
    inner = [_renamed_layer(one, layers, log) for one in layers]
    if layers and layers[0]["class_name"] != "InputLayer":
        shape, dtype = input_shape(layers[0])
        if shape is not None:
            config = {"batch_shape": shape, "dtype": dtype, "name": f"{_name(layers[0])}_input"}
            inner.insert(0, component("keras.layers", "InputLayer", config))
    new: JSON = {"name": fields.get("name") or "sequential", "layers": inner}
    if _all_frozen(layers):
        # Keras 2 does not write the flag of a Sequential; freezing it freezes all it holds.
        new["trainable"] = False
    if fields.get("build_input_shape") is not None:
        new["build_input_shape"] = fields["build_input_shape"]
    return component("keras", "Sequential", new)


def _all_frozen(layers: Sequence[JSON]) -> bool:
    configs = [one["config"] for one in layers if one["class_name"] != "InputLayer"]
    flags = [one.get("trainable") for one in configs if isinstance(one, dict)]
    return bool(flags) and all(flag is False for flag in flags)


def _functional(node: JSON, log: Log) -> JSON:
    old = node["config"]
    name = str(old.get("name") or "model")
    layers = [causal_in_calls(one) for one in _layers(old["layers"], name, log)]
    graph = Graph(layers, renamed(layers), name, log)
    inner = []
    for one in layers:
        new, nodes = _renamed_layer(one, layers, log), graph.nodes(one)
        _heed_masks(new, nodes, log)
        inner.append({**new, "name": graph.new_name(one), "inbound_nodes": nodes})
    config: JSON = {"name": name}
    if old.get("trainable") is False:
        # True would unfreeze every frozen layer inside, and is what Keras 3 assumes anyway.
        config["trainable"] = False
    config["layers"] = inner
    config["input_layers"] = graph.ends(old["input_layers"])
    config["output_layers"] = graph.ends(old["output_layers"])
    if node["class_name"] in ("Functional", "Model"):
        return component(_FUNCTIONAL, "Functional", config, "Functional")
    return custom(node["class_name"], config, node.get("registered_name"))


def _heed_masks(new: JSON, nodes: Sequence[JSON], log: Log) -> None:
    """Let a recurrent layer with an initial state see masks, see `kport_compat.layers`."""
    given = any(call["kwargs"].get("initial_state") for call in nodes)
    if given and "masks" in log.facts:
        inner = (new["config"].get(key) for key in ("layer", "backward_layer"))
        for one in (new, *inner):
            if isinstance(one, dict) and one["class_name"] in MASKABLE:
                one |= {"module": None, "registered_name": f"kport>{one['class_name']}"}


def _layers(found: Any, place: str, log: Log) -> list[JSON]:
    if not isinstance(found, list) or not all(is_object(one) for one in found):
        log.problem(place, "has no list of layers, each with class_name and config")
        return []
    return found


def _renamed_layer(node: JSON, layers: Sequence[JSON], log: Log) -> JSON:
    new = layer_or_model(node, log)
    name = _name(node)
    if _FORBIDDEN.search(name) and isinstance(new.get("config"), dict):
        new["config"]["name"] = renamed(layers)[name]
        why = "Keras 3 allows no '/' in names, and PyTorch no '.'"
        log.translated(name, f"named {new['config']['name']!r}: {why}")
    return new


def _name(node: Any) -> str:
    config = node.get("config") if isinstance(node, dict) else None
    inner = config.get("name") if isinstance(config, dict) else None
    return str(node.get("name") or inner or "")
