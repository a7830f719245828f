"""The attributes of layers and other objects: which their classes set, and which are Keras's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import keras

from kport.components import is_pythons, is_written, unknown_names
from kport.model._keras import is_graph, names_kept

__all__ = [
    "PLAIN",
    "TRACKED",
    "beside_books",
    "may_be_set",
    "own_attributes",
    "set_by_users",
    "sorted_attributes",
    "unknown_to_keras",
    "users_attributes",
]

# compile() leaves these on a model; they name its layers again or hold configs.
_COMPILE_BOOKS = frozenset({"_compile_config", "_compile_loss", "_compiled_trainable_state"})
_CONFIGS = frozenset({"get_config", "get_compile_config"})  # set to tell what is written elsewhere
# Every model has these, and after compile() they hold running sums.
_COMPILE_STATE = frozenset({"_compile_metrics", "_loss_tracker"})
_OURS = "_kport"  # begins what kport itself keeps on an object
TRACKED = frozenset(
    "_self_" + name
    for name in (
        "attribute_sentinel",
        "destruction_context",
        "external_modification",
        "extra_variables",
        "last_wrapped_dict_snapshot",
        "name_based_restores",
        "non_string_key",
        "saveable_object_factories",
        "setattr_tracking",
        "trainable",
        "tuple_is_constructable",
        "unconditional_checkpoint_dependencies",
        "unconditional_deferred_dependencies",
        "unconditional_dependency_names",
        "update_uid",
    )
)
"""What TensorFlow's tracking adds, which repeats the other attributes.

Of tensorflow/python/trackable/base.py and data_structures.py, 2.21. All other names that begin like
these are users': a layer may well be called `_self_attention`.
"""

PLAIN = frozenset({bool, bytes, complex, float, int, str, type, type(None)})
"""Most attributes of a layer are of these types, which hold nothing."""


def users_attributes(layer: keras.Layer) -> Iterator[tuple[str, Any]]:
    """Yield the attributes that the class of a layer or model set, not Keras's own books."""
    yield from sorted_attributes(layer, _books(layer))


def beside_books(layer: keras.Layer) -> dict[str, Any]:
    """Return the attributes that not every layer or model has, by their whole names."""
    books = _books(layer) | _COMPILE_STATE
    own = own_attributes(layer).items()
    ours = {name for name, _ in own if name.startswith(_OURS) or is_pythons(name)}
    return {name: one for name, one in own if name not in books | ours}


def set_by_users(layer: keras.Layer) -> dict[str, Any]:
    """Return those of them that only a user's class sets."""
    kind: Any = type(layer)
    return {name: one for name, one in beside_books(layer).items() if not is_written(kind, name)}


def unknown_to_keras(layer: keras.Layer) -> dict[str, Any]:
    """Return the attributes of a layer of Keras's own that code of users has given to it."""
    kind: Any = type(layer)
    names = unknown_names(kind, tuple(vars(layer))) - _books(layer)
    held = beside_books(layer) if names else {}
    return {name: one for name, one in held.items() if name in names}


def may_be_set(layer: keras.Layer, name: str) -> bool:
    """Whether an attribute of a layer, by its name, is one for a user's class to set."""
    kind: Any = type(layer)
    book = name in _books(layer) | _COMPILE_STATE or name.startswith(_OURS)
    return not book and not is_written(kind, name)


def _books(layer: keras.Layer) -> frozenset[str]:
    graph = isinstance(layer, keras.Model) and is_graph(layer)
    return _books_of(graph)


def sorted_attributes(
    thing: Any, skipped: frozenset[str] = frozenset()
) -> Iterator[tuple[str, Any]]:
    """Yield short name and value of the attributes of an object, public ones first."""
    own = _with_modules(thing)
    names = [name for name in own if not (name in skipped or name in TRACKED)]
    for name in sorted(names, key=lambda name: (name.startswith("_"), name)):
        short = name.lstrip("_")
        yield (name if short in own and short != name else short or name), own[name]


def own_attributes(thing: Any) -> dict[str, Any]:
    """Return the attributes that an object's own code or its class set, by name."""
    own = _with_modules(thing)
    return {name: value for name, value in own.items() if name not in TRACKED}


def _with_modules(thing: Any) -> dict[str, Any]:
    """PyTorch keeps attributes that are modules, so all layers, in a dict of their own."""
    own = vars(thing)
    return {**own, **own["_modules"]} if "_modules" in own else own


@cache
def _books_of(graph: bool) -> frozenset[str]:
    """The attributes that Keras itself gives to any layer or model: its books, not the user's."""
    with names_kept():
        bare = [keras.Layer(), keras.Model()]
        if graph:
            entry = keras.Input((1,))
            bare += [keras.Model(entry, -entry), keras.Sequential([keras.Input((1,))])]
    names = {"_torch_params"}  # of built layers on PyTorch; rounded under a mixed policy
    for thing in bare:
        names |= _with_modules(thing).keys()
    return frozenset(names - _COMPILE_STATE | _COMPILE_BOOKS | _CONFIGS)
