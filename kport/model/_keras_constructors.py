"""Constructors that take no ``name``, or are forgotten, and their configs; see _keras.py."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import keras

from kport.components import constructed

__all__ = ["give_arguments", "is_told_by_users", "named_later", "remembered_by_keras"]


@contextlib.contextmanager
def named_later() -> Iterator[None]:
    """Let `from_config` set what Keras writes of any layer and a constructor does not take.

    Reason: the `get_config` of every layer writes ``name``, ``dtype`` and ``trainable``, and
    `from_config` hands all of them to a constructor, which often enough has no ``**kwargs``.
    """
    with _of(keras.Layer), _of(keras.Model), _of_sequential():
        yield


@contextlib.contextmanager
def _of_sequential() -> Iterator[None]:
    """Let a class that makes its layers itself be made of its arguments.

    Reason: `Sequential.from_config` knows no other configs than those that list the layers.
    """
    original = keras.Sequential.from_config.__func__

    def from_config(cls: Any, config: Any, *rest: Any) -> Any:
        if isinstance(config.get("layers"), list):
            return original(cls, config, *rest)
        return constructed(cls, config, lambda taken: cls(**taken))

    keras.Sequential.from_config = classmethod(from_config)
    try:
        yield
    finally:
        keras.Sequential.from_config = classmethod(original)


@contextlib.contextmanager
def _of(base: Any) -> Iterator[None]:
    inherited = "from_config" not in vars(base)
    original = base.from_config.__func__

    @functools.wraps(original)
    def from_config(cls: Any, config: Any, *rest: Any, **named: Any) -> Any:
        return constructed(cls, config, lambda taken: original(cls, taken, *rest, **named))

    base.from_config = classmethod(from_config)
    try:
        yield
    finally:
        if inherited:
            del base.from_config
        else:
            base.from_config = classmethod(original)


def remembered_by_keras(layer: keras.Layer) -> dict[str, Any]:
    """Return what Keras remembers of a layer's arguments; the defaults alone, of a model.

    Reason: a class that was registered since has a `get_config` that does not ask Keras.
    """
    return dict(getattr(vars(layer).get("_auto_config"), "config", {}))


def is_told_by_users(layer: keras.Layer) -> bool:
    """Whether a user has set a `get_config` on the object itself."""
    own = vars(layer).get("get_config")
    return own is not None and getattr(own, "__module__", "") != __name__


@contextlib.contextmanager
def give_arguments(model: keras.Model, arguments: dict[str, Any]) -> Iterator[None]:
    """Let the config of a model without `get_config` tell these arguments.

    Reason: `Model.__new__` does not tell `Operation.__new__` what a model was given, so what that
    remembers for configs are the defaults, or nothing; and a graph tells its layers instead.
    """

    def get_config() -> dict[str, Any]:
        return {**keras.Layer.get_config(model), **arguments}

    vars(model)["get_config"] = get_config
    try:
        yield
    finally:
        del vars(model)["get_config"]
