"""What Keras's own `get_config` leaves out, or tells as no constructor takes it; see _keras.py.

A test compares what each public class of Keras becomes out of its config with what it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

__all__ = ["with_untold"]


def _huber(loss: Any) -> dict[str, Any]:
    return {"delta": loss._fn_kwargs["delta"]}  # is an attribute nowhere


def _identity(initializer: Any) -> dict[str, Any]:
    return {"gain": initializer.gain}


def _shear(layer: Any) -> dict[str, Any]:
    """One number becomes a range from below zero, and a range must not begin below zero."""
    factors = {"x_factor": layer.x_factor, "y_factor": layer.y_factor}
    return {name: one[1] if one[0] < 0 else one for name, one in factors.items()}


_UNTOLD: dict[type, Callable[[Any], dict[str, Any]]] = {
    keras.initializers.Identity: _identity,
    keras.layers.RandomShear: _shear,
    keras.losses.Huber: _huber,
}


def with_untold(thing: Any, told: Any) -> Any:
    """Return what `serialize_keras_object` tells of an object, with what it should."""
    add = _UNTOLD.get(type(thing))
    return {**told, "config": {**told["config"], **add(thing)}} if add else told
