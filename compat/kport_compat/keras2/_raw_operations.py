"""`TensorFlowOpLayer`: an operation that TensorFlow 2.0 to 2.3 recorded as a layer.

Form: ``tensorflow/python/keras/engine/base_layer.py`` of TensorFlow 2.3. ``node_def`` is the JSON
of a NodeDef; ``constants`` holds inputs that are no tensors, by place. The layer's name is that of
the config behind ``tf_op_layer_``.
"""

from __future__ import annotations

import base64
from typing import Any

from kport.checkpoint import JSON
from kport_compat.ops import raw_call

__all__ = ["RAW_LAYER", "raw_inputs", "raw_operation"]

RAW_LAYER = "TensorFlowOpLayer"
_PREFIX = "tf_op_layer_"
_DTYPES = {"DT_HALF": "float16", "DT_FLOAT": "float32", "DT_DOUBLE": "float64", "DT_BOOL": "bool"}


def raw_operation(config: JSON) -> tuple[str, str] | None:
    """Return the symbol that computes the operation, and the layer's name; None where none does."""
    found = _call(config, [None] * _MOST_INPUTS)
    return None if found is None else (found[0], _name(config))


def raw_inputs(config: JSON, tensors: list[Any]) -> JSON:
    """Return the call's arguments in Keras 3's form.

    Arguments:
        config: Of the layer.
        tensors: The tensors among its inputs, in order.
    """
    inputs = list(tensors)
    for place, value in sorted((int(key), one) for key, one in _constants(config).items()):
        inputs.insert(place, value)
    found = _call(config, inputs)
    _, args, kwargs = found if found is not None else ("", inputs, {})
    return {"args": args, "kwargs": kwargs}


_MOST_INPUTS = 4  # enough for every operation whose call looks at single inputs


def _name(config: JSON) -> str:
    name = str(config.get("name"))
    return name if name.startswith(_PREFIX) else _PREFIX + name


def _constants(config: JSON) -> JSON:
    found = config.get("constants")
    return {key: one for key, one in found.items() if str(key).isdecimal()} if found else {}


def _call(config: JSON, inputs: list[Any]) -> Any:
    node = config.get("node_def")
    if not isinstance(node, dict) or not isinstance(node.get("op"), str):
        return None
    said = node.get("attr")
    try:
        attributes = {key: _value(one) for key, one in (said or {}).items()}
        return raw_call(node["op"], inputs, attributes)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None


def _value(attribute: JSON) -> Any:
    """Return an AttrValue as protobuf writes it in JSON: integers are text, text is base64."""
    kind: str
    value: Any
    kind, value = next(iter(attribute.items()), ("", None))
    if kind == "i":
        return int(value)
    if kind == "type":
        return _DTYPES.get(value, str(value).removeprefix("DT_").lower())
    if kind == "s":
        return _text(value)
    if kind == "list" and isinstance(value, dict):
        return [_value({one: item}) for one, items in value.items() for item in items]
    return value


def _text(value: Any) -> str:
    return base64.b64decode(str(value)).decode()
