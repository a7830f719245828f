"""State that a backend keeps and Keras knows nothing of, so that no file of a model has it.

A ``torch.nn.Parameter``, a buffer or a ``tf.Variable`` as an attribute of a layer is trained or
changed, and is neither a weight of the model nor an argument of a constructor. Arrays and tensors
that stay as code makes them are constants: code makes them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import keras

from kport.components import is_users
from kport.errors import Problem
from kport.model._attributes import PLAIN, own_attributes, users_attributes
from kport.model._contents import members
from kport.model._hooks import saves_itself
from kport.model._walk import Walk
from kport.model.backends import states_in, states_of

__all__ = ["raw_state"]


def raw_state(found: Walk) -> Iterator[Problem]:
    """Yield each such thing that a user's layer holds, in containers and plain objects too."""
    held = [
        (".".join(part for part in (path, *name) if part), thing)
        for path, layer in found.layers()
        if not (type(layer).__module__.startswith("keras.") or saves_itself(layer))
        for name, thing in _held(layer)
    ]
    known = {id(variable.value) for variable in found.variables.values()} if held else set()
    for place, thing in held:
        if id(thing) not in known:
            yield Problem(place, f"is a {type(thing).__name__} and no variable of Keras", "lost")


def _held(layer: keras.Layer) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield from (((name,), thing) for name, thing in states_of(layer).items())
    if not isinstance(layer, keras.layers.TorchModuleWrapper):  # Keras knows what it wraps
        yield from _inside(dict(users_attributes(layer)), set())


def _inside(held: Mapping[str, Any], seen: set[int]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, thing in held.items():
        if type(thing) in PLAIN or isinstance(thing, (keras.Layer, keras.Variable)):
            continue
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if found := states_in(thing):
            yield from (((name, inner), one) for inner, one in found.items())
        elif isinstance(thing, (list, tuple, Mapping)):
            yield from (((name, *rest), one) for rest, one in _inside(dict(members(thing)), seen))
        elif is_users(thing):
            yield from (((name, *rest), one) for rest, one in _inside(own_attributes(thing), seen))
