"""One serialized object of Keras 2 made into one of Keras 3: layers, initializers, losses and all.

Keras 2 writes ``{"class_name", "config"}`` and decides by the place what a name means; Keras 3
writes the module too. Tf.keras 2.13 and later mix both forms, so each object is looked at alone.
Form: ``keras/src/saving/serialization_lib.py`` of Keras 3.15 (`serialize_keras_object`).
"""

from __future__ import annotations

from typing import Any

from kport.checkpoint import JSON
from kport_compat.keras2._lambdas import expression_of
from kport_compat.keras2._log import Log
from kport_compat.keras2._names import CLASSES as NAMES
from kport_compat.keras2._names import FUNCTIONS, module_of
from kport_compat.keras2._operations import OPERATIONS, operation
from kport_compat.keras2._rules import CLASSES, GONE, REFUSED, own_reason, rules_for

__all__ = ["component", "custom", "function", "is_object", "layer", "plain", "value"]

_KINDS = {
    "initializer": "initializers",
    "regularizer": "regularizers",
    "constraint": "constraints",
    "learning_rate": "schedules",
}
_LAYER_KEYS = frozenset({"layer", "backward_layer", "cell", "cells", "activation"})
_HARD_SIGMOID = "kport>hard_sigmoid_v1"
# The names that TensorFlow's functions have inside of it.
_SAME_ACTIVATION = {"log_softmax_v2": "log_softmax", "softmax_v2": "softmax"}
_ACTIVATIONS = frozenset({"activation", "recurrent_activation"})


def is_object(node: object) -> bool:
    """Say whether it is a serialized object."""
    return isinstance(node, dict) and isinstance(node.get("class_name"), str) and "config" in node


def component(module: str | None, name: str, config: JSON, registered: str | None = None) -> JSON:
    """Return an object in Keras 3's form."""
    return {
        "module": module,
        "class_name": name,
        "config": config,
        "registered_name": registered,
    }


def custom(name: str, config: JSON, registered: str | None = None) -> JSON:
    """Return an object of a class that is not Keras's; the caller of the load provides it.

    Keras 2 writes the class as ``package>Name`` when it was registered, as ``Name`` otherwise.
    """
    registered = registered or name
    return component(None, name.rpartition(">")[2], config, registered)


def function(name: str) -> JSON:
    """Return a function in Keras 3's form; one that is not Keras's own has no module."""
    known = name.startswith("kport>") or any(name in names for names in FUNCTIONS.values())
    module = "builtins" if known else None
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def layer(node: JSON, log: Log) -> JSON:
    """Return a layer that is no model in Keras 3's form, every object inside as well."""
    name, config = node["class_name"], node["config"]
    if not isinstance(config, dict):
        log.problem(name, f"has a config of a {type(config).__name__}, expected an object")
        return custom(name, {})
    if name in OPERATIONS:
        return operation(name, config, log)
    config = dict(config)
    place = str(config.get("name") or name)
    if name in REFUSED:
        log.problem(place, f"is a {name}: {REFUSED[name]}")
        return custom(name, {})
    computed = expression_of(config, place, log) if name == "Lambda" else None
    if computed is not None:
        computed["config"] |= {"dtype": _dtype(config.get("dtype", "float32"))}
        return computed
    own = own_reason(name, config, log)
    if name in CLASSES:
        (name, extra), old = CLASSES[name], name
        config |= extra
        log.translated(place, f"{old} is {name} in Keras 3")
    module = module_of(name, "layers")
    log.gone |= {GONE[name]} if name in GONE else set()
    if config.get("idf_weights"):
        log.gone |= {"idf_weights", "Variable"}  # Keras 3 takes them from the config
    for rule in rules_for(name) if module or own else ():
        rule.apply(config, place, log)
    config = {key: value(key, item, place, log) for key, item in config.items()}
    if config.get("trainable") is False:
        _freeze_inside(config)
    if name == "InputLayer":
        _input_layer(config, node["config"])
    if own:
        log.translated(place, own)
        return component(None, name, config, f"kport>{name}")
    if module is None:
        return custom(name, config, node.get("registered_name"))
    return component(module, name, config)


def _freeze_inside(config: JSON) -> None:
    """Freeze what a frozen wrapper holds: for Keras 3 each layer answers for its own weights."""
    for key in _LAYER_KEYS - {"activation"}:
        found = config.get(key)
        for one in found if isinstance(found, list) else [found]:
            if isinstance(one, dict) and isinstance(one.get("config"), dict):
                one["config"]["trainable"] = False
                _freeze_inside(one["config"])


def _input_layer(config: JSON, old: JSON) -> None:
    shape = old.get("batch_input_shape")
    if shape is not None:
        config["batch_shape"] = shape
    for key in ("sparse", "optional"):
        if not config.get(key, True):
            del config[key]
    config.pop("trainable", None)


def value(key: str, item: Any, place: str, log: Log) -> Any:
    """Return the value of one config key in Keras 3's form."""
    if key == "dtype":
        return _dtype(item)
    if key in _ACTIVATIONS:
        item = _activation(key, item, place, log)
    if isinstance(item, list):
        return [value(key, one, place, log) for one in item]
    if not isinstance(item, dict):
        return item
    if set(item) == {"type", "value"} and item["type"] == "ndarray":
        return item["value"]  # Keras 2.0 to 2.2: numbers that came from NumPy
    if not is_object(item):
        return {name: value(name, one, place, log) for name, one in item.items()}
    return _nested(key, item, log)


def _nested(key: str, item: JSON, log: Log) -> Any:
    name, config = item["class_name"], item["config"]
    if name == "__numpy__" and isinstance(config, dict) and _is_number(config.get("value")):
        return config["value"]  # Keras 2.12 keeps a float of ReLU so
    if name.startswith("__"):
        return item  # a plain value of Keras 3's form, such as __tuple__
    if name == "function":
        return _function(item)
    kind = _kind(key, name, item.get("module"))
    if kind in ("layers", ""):
        return log.nested(item, log)
    return plain(kind, name, config, log, item.get("registered_name"))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def plain(kind: str, name: str, config: Any, log: Log, registered: str | None = None) -> JSON:
    """Return an initializer, regularizer, constraint, schedule, loss, metric or optimizer."""
    fields = dict(config) if isinstance(config, dict) else {}
    if kind == "initializers":
        fields.pop("dtype", None)
        if fields.get("distribution") == "normal":
            fields["distribution"] = "truncated_normal"
    if fields.get("name", "") is None:
        del fields["name"]  # Keras 2's schedules had no name until somebody asked
    fields = {key: value(key, one, name, log) for key, one in fields.items()}
    module = module_of(name, kind)
    if module is None:
        return custom(name, fields, registered)
    return component(module, name, fields)


def _kind(key: str, name: str, module: object) -> str:
    if isinstance(module, str) and module.startswith("keras."):
        last = module.rpartition(".")[2]
        if last in NAMES:
            return last
    if key in _KINDS or key.rpartition("_")[2] in _KINDS:
        return _KINDS.get(key) or _KINDS[key.rpartition("_")[2]]
    if key in _LAYER_KEYS:
        return "layers"
    return next((kind for kind, names in NAMES.items() if name in names), "")


def _activation(key: str, item: Any, place: str, log: Log) -> Any:
    called = is_object(item) and item["class_name"] == "function"
    name = item["config"] if called else item
    if isinstance(name, str) and name in _SAME_ACTIVATION:
        return _SAME_ACTIVATION[name]
    if isinstance(item, str) and name not in FUNCTIONS["activations"]:
        return function(name)
    if name != "hard_sigmoid" or log.version[0] >= 3:
        return item
    log.translated(place, f"{key} hard_sigmoid: kept as Keras 2 computes it, clip(0.2 x + 0.5)")
    return function(_HARD_SIGMOID)


def _function(item: JSON) -> JSON:
    registered = item.get("registered_name")
    named = isinstance(registered, str) and ">" in registered
    return function(str(registered if named else item["config"]))


def _dtype(item: Any) -> Any:
    if not is_object(item):
        return item
    config = item["config"] if isinstance(item["config"], dict) else {}
    if item["class_name"] not in ("Policy", "PolicyV1", "DTypePolicy"):
        return item
    name = config.get("name")
    if name in (None, "_infer"):
        return None  # tf.keras 2.1: the default of the process, float32
    return component("keras", "DTypePolicy", {"name": name})
