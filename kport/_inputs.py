"""The inputs of a functional or Sequential model, as its config tells them.

Form: ``functional_like_constructor`` and ``Sequential.get_config`` of Keras 3.15 (src/models/).
"""

from __future__ import annotations

from typing import Any

__all__ = ["signature_of"]


def signature_of(config: Any) -> Any:
    """Return the shapes and dtypes of the inputs, None where the config does not tell them.

    Example:
        >>> layer = {"class_name": "InputLayer", "config": {"batch_shape": [None, 4]}}
        >>> signature_of({"config": {"layers": [layer]}})
        {'shape': [None, 4], 'dtype': 'float32'}
    """
    inner = config.get("config") if isinstance(config, dict) else None
    layers = inner.get("layers") if isinstance(inner, dict) else None
    if not isinstance(layers, list) or not isinstance(inner, dict):
        return None
    if "input_layers" in inner:
        inputs = {str(one.get("name")): _shape(one) for one in layers if _is_input(one)}
        return _ends(inner["input_layers"], inputs)
    first = layers[0] if layers else None
    if isinstance(first, dict) and not _is_input(first):
        return signature_of(first)  # a model that begins with a model
    return _shape(first)


def _is_input(layer: Any) -> bool:
    return isinstance(layer, dict) and layer.get("class_name") == "InputLayer"


def _shape(layer: Any) -> Any:
    fields = layer.get("config") if isinstance(layer, dict) else None
    if not isinstance(fields, dict):
        return None
    shape = fields.get("batch_shape", fields.get("batch_input_shape"))
    dtype = fields.get("dtype")
    dtype = dtype if isinstance(dtype, str) else "float32"
    return {"shape": shape, "dtype": dtype} if isinstance(shape, list) else None


def _ends(found: Any, inputs: dict[str, Any]) -> Any:
    if isinstance(found, dict):
        return {name: _ends(one, inputs) for name, one in found.items()}
    if not isinstance(found, list):
        return None
    if len(found) == 3 and isinstance(found[0], str):
        return inputs.get(found[0])
    return [_ends(one, inputs) for one in found]
