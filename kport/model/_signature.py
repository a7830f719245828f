"""What a model is called with: nested lists and dicts of shape and dtype."""

from __future__ import annotations

from typing import Any

import keras

from kport.checkpoint import ModelSpec
from kport.components import called_with, must_be_named, remember_called
from kport.model._keras import is_graph
from kport.model._walk import Walk

__all__ = ["restore_signatures", "signature_of"]


def signature_of(model: keras.Model) -> Any:
    """Return the inputs of a model as nested ``{"shape", "dtype"}``, None where nothing is known.

    A Sequential or functional model knows its inputs; a subclassed one remembers the shapes of its
    first call, where the batch size becomes free and dtypes are the model's own. Where a call must
    have several arguments, or names, it remembers the first alone; a registered class has the rest.
    """
    inputs = _symbolic_inputs(model)
    if inputs is not None:
        return _described(inputs)
    shapes = (model.get_build_config() or {}).get("input_shape")
    built = None if shapes is None else _from_shapes(shapes, _input_dtype(model))
    names = must_be_named(model.call)
    if names:
        alone = {names[0]: built} if len(names) == 1 and built else None
        return called_with(model) or alone
    return built


def restore_signatures(found: Walk, spec: ModelSpec) -> None:
    """Let models know what they were called with, for them to be saved again."""
    for path, layer in found.layers():
        told = spec.parts.get(path, {}).get("signature") if path else spec.signature
        if told is not None and isinstance(layer, keras.Model) and must_be_named(layer.call):
            remember_called(layer, told)


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
