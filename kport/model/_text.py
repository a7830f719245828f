"""Models that take or give text, which tensors of TensorFlow alone can hold."""

from __future__ import annotations

import keras

from kport.errors import LoadError, Problem
from kport.model._walk import walk

__all__ = ["refuse_text"]


def refuse_text(model: keras.Model) -> None:
    """Refuse a model that cannot be called here, before its first call fails deep inside.

    Raises:
        LoadError: An input of it is text, or a layer gives text, and the backend has no such
            tensors; names each.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return
    inputs = keras.tree.flatten(getattr(model, "inputs", None) or [])
    names = [one.name for one in inputs if getattr(one, "dtype", "") == "string"]
    problems = [Problem(name, "takes text") for name in names]
    problems += [
        Problem(layer.name, "gives text")
        for _, layer in walk(model).layers()
        if isinstance(layer, keras.layers.StringLookup) and layer.invert
    ]
    if problems:
        raise LoadError(
            f"works on text, and {backend} has no tensors of text",
            problems=problems,
            remedy="Set KERAS_BACKEND=tensorflow; or cut the model where numbers begin, save that "
            "part there, and load it here.",
        )
