"""Let a layer run in inference mode always, also while the model around it is trained.

Keras does that for BatchNormalization alone when it is frozen; Dropout goes on dropping. A layer is
made to by its own `call`, which is given ``training=False`` whatever its caller says. What lies
inside the layer asks the call around it, so each part of a frozen part is set on its own.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any

import keras

__all__ = ["infers_always", "set_inference"]

_MARK = "kport_infers"


def infers_always(layer: keras.Layer) -> bool:
    """Whether `set_inference` was asked for the layer."""
    return hasattr(vars(layer).get("call"), _MARK)


def set_inference(layer: keras.Layer, flag: bool) -> None:
    """Set whether a layer runs in inference mode whatever it is called with."""
    if infers_always(layer) == flag:
        return
    if not flag:
        # Past Keras's own __delattr__, which looks for tracked values, and of which this is none.
        del vars(layer)["call"]
    elif "training" in inspect.signature(layer.call).parameters:
        vars(layer)["call"] = _without_training(layer.call)


def _without_training(call: Any) -> Any:
    @functools.wraps(call)
    def infer(*args: Any, **kwargs: Any) -> Any:
        bound = inspect.signature(call).bind_partial(*args, **kwargs)
        bound.arguments["training"] = False
        return call(*bound.args, **bound.kwargs)

    setattr(infer, _MARK, True)
    return infer
