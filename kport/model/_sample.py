"""Run inputs through a model and keep what comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from kport.components import must_be_named
from kport.errors import UsageError, mapped
from kport.model._walk import walk

__all__ = ["compute_dtypes", "map_nested", "run_sample"]


def run_sample(model: keras.Model, inputs: Any, *, training: bool = False) -> Any:
    """Return the outputs of a model, in inference mode if not told otherwise, as NumPy arrays.

    A dict has the arguments by name where `call` must have several, or has them by name alone.

    Raises:
        UsageError: The model does not take such inputs.
    """
    with mapped(UsageError, "the sample cannot be run through the model"):
        tensors = map_nested(keras.ops.convert_to_tensor, inputs)
        names = must_be_named(model.call)
        if names and isinstance(tensors, dict) and set(names) <= tensors.keys():
            return map_nested(_host, model(**tensors, training=training))
        return map_nested(_host, model(tensors, training=training))


def _host(tensor: Any) -> Any:
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def map_nested(function: Callable[[Any], Any], nested: Any) -> Any:
    """Apply a function to every leaf of nested lists and dicts; tuples become lists."""
    if isinstance(nested, dict):
        return {name: map_nested(function, child) for name, child in nested.items()}
    if isinstance(nested, (list, tuple)):
        return [map_nested(function, child) for child in nested]
    return function(nested)


def compute_dtypes(model: keras.Model) -> set[str]:
    """Return the dtypes that the layers of a model compute in."""
    return {str(layer.compute_dtype) for _, layer in walk(model).layers()}
