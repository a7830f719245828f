"""Private calls by which subclassed models come out of their config unrun; see _keras.py."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

__all__ = ["unrun"]


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
