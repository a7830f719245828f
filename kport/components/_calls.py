"""Remember what a model was called with, where its call must have several arguments, or names.

Keras remembers the shape of the first alone, and out of that no inputs can be made up.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any

__all__ = ["called_with", "must_be_named", "remember_called", "remember_calls"]

_ATTRIBUTE = "_kport_called"
_BESIDE = frozenset({"training", "mask"})  # what Keras gives a call where it takes them
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def must_be_named(call: Any) -> tuple[str, ...]:
    """Return the arguments that a call must have, where one value by its place is not enough."""
    needed = [
        one
        for name, one in inspect.signature(call).parameters.items()
        if one.default is inspect.Parameter.empty and one.kind in _BY_NAME and name not in _BESIDE
    ]
    enough = len(needed) < 2 and not any(one.kind is one.KEYWORD_ONLY for one in needed)
    return () if enough else tuple(one.name for one in needed)


def remember_calls(cls: Any) -> None:
    """Let the models of a class know what they were called with first, if nothing else tells."""
    import keras

    if not (issubclass(cls, keras.Model) and must_be_named(cls.call.__get__(cls))):
        return
    original = cls.__call__

    @functools.wraps(original)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        if _ATTRIBUTE not in vars(self):
            places = inspect.signature(self.call).parameters
            given = {**dict(zip(places, args, strict=False)), **kwargs}
            needed = {name: given.get(name) for name in must_be_named(self.call)}
            remember_called(self, _described(needed))
        return result

    cls.__call__ = call


def _described(node: Any) -> Any:
    """Return nested shapes and dtypes, None where anything is no tensor."""
    if isinstance(node, Mapping):
        inner = {str(name): _described(one) for name, one in node.items()}
        return None if None in inner.values() else inner
    if isinstance(node, (list, tuple)):
        row = [_described(one) for one in node]
        return None if None in row else row
    return _tensor(node) if hasattr(node, "shape") and hasattr(node, "dtype") else None


def _tensor(tensor: Any) -> dict[str, Any]:
    import keras

    rest = [None if size is None else int(size) for size in tuple(tensor.shape)[1:]]
    shape = [None, *rest] if len(tensor.shape) else []
    return {"shape": shape, "dtype": keras.backend.standardize_dtype(tensor.dtype)}


def called_with(model: object) -> Any:
    """Return what `remember_calls` knows of a model, by name; None where it knows nothing."""
    return vars(model).get(_ATTRIBUTE)


def remember_called(model: object, signature: Any) -> None:
    """Let a model know what it was called with."""
    vars(model)[_ATTRIBUTE] = signature
