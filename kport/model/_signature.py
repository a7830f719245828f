"""What a model is called with: nested lists and dicts of shape and dtype."""

from __future__ import annotations

import inspect
from typing import Any

import keras

from kport.model._keras import is_graph

__all__ = ["called_by_name", "signature_of"]

_BESIDE = frozenset({"training", "mask"})  # what Keras gives a call where it takes them


def signature_of(model: keras.Model) -> Any:
    """Return the inputs of a model as nested ``{"shape", "dtype"}``, None where nothing is known.

    A Sequential or functional model knows its inputs; a subclassed one remembers the shapes of its
    first call, where the batch size becomes free and dtypes are the model's own. Where a call must
    have several arguments, or names, it remembers the first alone, which is not enough.
    """
    inputs = _symbolic_inputs(model)
    if inputs is not None:
        return _described(inputs)
    if called_by_name(model):
        return None
    shapes = (model.get_build_config() or {}).get("input_shape")
    return None if shapes is None else _from_shapes(shapes, _input_dtype(model))


def called_by_name(model: keras.Model) -> frozenset[str]:
    """Return the arguments that a call must have, where one value by its place is not enough."""
    needed = [
        one
        for name, one in inspect.signature(model.call).parameters.items()
        if one.default is inspect.Parameter.empty
        and one.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        and name not in _BESIDE
    ]
    enough = len(needed) < 2 and not any(one.kind is one.KEYWORD_ONLY for one in needed)
    return frozenset() if enough else frozenset(one.name for one in needed)


def _symbolic_inputs(model: keras.Model) -> Any:
    if isinstance(model, keras.Sequential):
        # Keras sets no inputs where it cannot run the layers on a symbol.
        inputs = getattr(model, "inputs", None)
        return inputs[0] if inputs else None
    return model.input if is_graph(model) else None


def _described(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _described(child) for name, child in node.items()}
    if isinstance(node, (list, tuple)):
        return [_described(child) for child in node]
    return {"shape": list(node.shape), "dtype": keras.backend.standardize_dtype(node.dtype)}


def _from_shapes(node: Any, dtype: str) -> Any:
    if isinstance(node, dict):
        return {name: _from_shapes(child, dtype) for name, child in node.items()}
    if all(size is None or isinstance(size, int) for size in node):
        return {"shape": [None, *node[1:]], "dtype": dtype}
    return [_from_shapes(child, dtype) for child in node]


def _input_dtype(model: keras.Model) -> str:
    dtype: str | None = model.input_dtype
    return dtype or keras.config.floatx()
