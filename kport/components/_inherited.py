"""What Keras's own class, which a user's derives from, tells of an object.

A constructor hands most arguments on to it as they are, and it tells them as they are now. Of
others it makes something else on the way (``super().__init__(rate / 2)``), and what the base class
tells would be made anew of what was made of them; those are told as they were given.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from kport.components._plain import is_plain, print_of
from kport.components._things import is_function
from kport.components._values import PLAIN

__all__ = ["AS_GIVEN", "OF_ANY_LAYER", "changed_since", "inherited_config", "is_told", "made_of"]

OF_ANY_LAYER = frozenset({"name", "dtype", "trainable", "activity_regularizer", "autocast"})
"""Arguments of every layer, which `keras.Layer` itself writes and restores."""

AS_GIVEN = "as given"
"""In the place of what would be told, where the constructor handed an argument on."""


def inherited_config(thing: Any) -> dict[str, Any]:
    """Return what the nearest class of Keras's own says of an object."""
    base = _teller(type(thing))
    if base is not None:
        with contextlib.suppress(NotImplementedError):
            config: dict[str, Any] = base.get_config(thing)
            return config
    return {}


def _teller(cls: type) -> Any:
    # Not to be remembered: Keras gives a class whose first model is a graph another base.
    own = (base for base in cls.__mro__ if "get_config" in vars(base))
    return next((base for base in own if base.__module__.startswith("keras.")), None)


def made_of(thing: Any, named: Mapping[str, Any]) -> dict[str, str]:
    """Return by name what the base class tells, once constructed, under the name of an argument.

    Arguments:
        thing: The object.
        named: What its constructor was given.
    """
    told = _told_at_once(thing, named)
    return {name: _seen(name, told[name], one) for name, one in named.items() if name in told}


def is_told(made: Mapping[str, str], name: str, value: Any, told: Mapping[str, Any]) -> bool:
    """Whether the base class tells an argument, as it is now.

    Arguments:
        made: What `made_of` gave.
        name: The name of the argument.
        value: What the constructor was given.
        told: What the base class tells now.
    """
    if name not in told:
        return False
    if made.get(name, AS_GIVEN) == AS_GIVEN:
        return True
    # It may be the full form of a short one, such as an initializer's name.
    other_form = isinstance(value, (str, type(None))) and type(told[name]) is not type(value)
    return name not in OF_ANY_LAYER and other_form and made[name] != _text(told[name])


def changed_since(made: Mapping[str, str], told: Mapping[str, Any]) -> Iterator[str]:
    """Yield arguments of which the constructor made other plain values, since changed."""
    for name, text in made.items():
        plain = name in told and name not in OF_ANY_LAYER and type(told[name]) in PLAIN
        if plain and text not in (AS_GIVEN, _text(told[name])):
            yield name


def _told_at_once(thing: Any, named: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the inherited config, or as much of it as any layer or model has."""
    import keras

    if _teller(type(thing)) is keras.Layer or isinstance(thing, keras.Model):
        names = OF_ANY_LAYER & named.keys()
        held = {name: getattr(thing, name) for name in names if hasattr(thing, name)}
        return {**held, "dtype": thing.dtype_policy} if "dtype" in names else held
    with contextlib.suppress(Exception):  # of a base class whose constructor never ran
        return inherited_config(thing)
    return {}


def _seen(name: str, told: Any, given: Any) -> str:
    if (given is None and name in OF_ANY_LAYER) or is_function(given):
        return AS_GIVEN
    text = _text(_policy(told) if name == "dtype" else told)
    return AS_GIVEN if text == _text(_policy(given) if name == "dtype" else given) else text


def _policy(dtype: Any) -> Any:
    import keras

    with contextlib.suppress(Exception):  # an argument of that name may be anything
        return keras.dtype_policies.get(dtype)
    return dtype


def _text(value: Any) -> str:
    import keras

    if isinstance(value, float):  # such as a learning rate, which is a variable of float32
        return repr(float(np.float32(value)))
    if is_plain(value):
        return print_of(value)
    return json.dumps(keras.saving.serialize_keras_object(value), sort_keys=True, default=repr)
