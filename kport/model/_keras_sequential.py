"""Private calls by which a Sequential comes out of its config in one piece; see _keras.py."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

__all__ = ["built_once"]


@contextlib.contextmanager
def built_once() -> Iterator[None]:
    """Let `Sequential.from_config` build the model when it has all its layers.

    Reason: it builds the model anew after each layer that it adds, so that a hundred layers are
    called five thousand times. `Sequential(layers)` builds once, by the private method that the
    model here goes without as long as layers are added; a config has no such way.
    """
    original = keras.Sequential.from_config.__func__

    def from_config(cls: Any, config: Any, custom_objects: Any = None) -> Any:
        if not isinstance(config.get("layers"), list):  # of a class that makes its layers itself
            return original(cls, config, custom_objects)

        def make(name: str) -> Any:
            model = cls(name=name)
            vars(model)["_maybe_rebuild"] = _nothing
            return model

        shape = config.get("build_input_shape")
        unbuilt = {key: value for key, value in config.items() if key != "build_input_shape"}
        model = original(make, unbuilt, custom_objects)
        del vars(model)["_maybe_rebuild"]
        if unbuilt["layers"]:
            model._maybe_rebuild()
        if not model._functional and shape and isinstance(shape, (tuple, list)):
            model.build(shape)
        return model

    keras.Sequential.from_config = classmethod(from_config)
    try:
        yield
    finally:
        keras.Sequential.from_config = classmethod(original)


def _nothing() -> None:
    pass
