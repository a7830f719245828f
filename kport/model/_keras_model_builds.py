"""How models and layers are built out of their config, unrun and no second time."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import keras

__all__ = ["never_again", "unrun"]


@contextlib.contextmanager
def unrun() -> Iterator[None]:
    """Let models without a `build` of their own be built without running their `call`.

    Reason: `Model.build_from_config` runs such a model on one symbolic input, of the shape that the
    first tensor of its first call had. Where that was a keyword, the run gives the shape to another
    tensor, and layers are built for it. A file of kport's knows the shapes of each layer.
    """
    original = keras.Model.build_from_config

    def build_from_config(self: Any, config: Any) -> None:
        if config and type(self).build is keras.Model.build:
            self.built = True
            self._build_shapes_dict = config.get("shapes_dict", config)
        else:
            original(self, config)

    keras.Model.build_from_config = build_from_config
    try:
        yield
    finally:
        keras.Model.build_from_config = original


@contextlib.contextmanager
def never_again() -> Iterator[None]:
    """Let what is built out of its config be left alone by a `build` around it that builds it, too.

    Reason: a layer that was given as an argument is built before the layer that was given it, whose
    own `build` may well say ``self.layer.build(shape)``. Keras refuses that for a built layer.
    """
    original = keras.Layer.build_from_config
    before: list[tuple[keras.Layer, Any]] = []

    def build_from_config(self: Any, config: Any) -> None:
        original(self, config)
        before.append((self, vars(self).get("build")))
        vars(self)["build"] = _once(self)

    keras.Layer.build_from_config = build_from_config
    try:
        yield
    finally:
        keras.Layer.build_from_config = original
        for layer, build in before:
            del vars(layer)["build"]
            if build is not None:  # where Keras itself puts its own around that of the class
                vars(layer)["build"] = build


def _once(layer: Any) -> Any:
    original = layer.build

    @functools.wraps(original)
    def build(*args: Any, **kwargs: Any) -> Any:
        return None if layer.built else original(*args, **kwargs)

    return build
