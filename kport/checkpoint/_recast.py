"""The definition of a model in another floating-point dtype."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kport.checkpoint._spec import ModelSpec

__all__ = ["POLICIES", "recast"]

POLICIES = frozenset({"bfloat16", "float16", "float32", "float64"})
"""Dtypes that a whole model can have."""

_FLOATING = POLICIES | {"mixed_bfloat16", "mixed_float16"}
_DATA = frozenset({"InputLayer", "__keras_tensor__"})  # their dtype is that of what users pass in


def recast(spec: ModelSpec, dtype: str) -> ModelSpec:
    """Give every layer of a floating-point policy another one; integers and quantized ones stay.

    Example:
        >>> layer = {"class_name": "Dense", "config": {"units": 3, "dtype": "float32"}}
        >>> recast(ModelSpec(layer), "bfloat16").config["config"]
        {'units': 3, 'dtype': 'bfloat16'}
    """
    layers = {
        path: {**state, "dtype": dtype} if state.get("dtype") in _FLOATING else state
        for path, state in spec.layers.items()
    }
    return replace(spec, config=_config(spec.config, dtype), layers=layers)


def _config(node: Any, dtype: str) -> Any:
    if isinstance(node, list):
        return [_config(child, dtype) for child in node]
    if not isinstance(node, dict):
        return node
    # Losses and metrics compute as they did.
    node = {
        key: child if key == "compile_config" else _config(child, dtype)
        for key, child in node.items()
    }
    sort, config = node.get("class_name"), node.get("config")
    if isinstance(config, dict) and sort not in _DATA:
        key = "name" if sort == "DTypePolicy" else "dtype"
        if isinstance(config.get(key), str) and config[key] in _FLOATING:
            return {**node, "config": {**config, key: dtype}}
    return node
