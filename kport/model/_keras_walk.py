"""Private calls by which Keras's archive walk is followed; see _keras.py."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from keras.src.saving import saving_lib
from keras.src.saving.keras_saveable import KerasSaveable
from keras.src.utils.naming import to_snake_case

__all__ = ["is_saveable", "saveable_children", "snake_name"]


def is_saveable(thing: object) -> bool:
    """Whether Keras's archive walk stops at this object.

    Reason: the walk of `saving_lib._save_state` asks for this class, which is not exported.
    """
    return isinstance(thing, KerasSaveable)


def saveable_children(thing: Any) -> Iterator[tuple[str, Any]]:
    """Yield attribute name and child in the order in which Keras's archive walk visits them.

    Reason: the paths inside ``model.weights.h5`` follow from this order and its list of skipped
    attributes, and from nothing public. `saving_lib._walk_saveable` gives the same, and looks for
    that list where Keras does not keep it: it makes a layer for each object only to see which
    attributes every layer has.
    """
    sort = thing._obj_type()
    if sort in ("Sequential", "Functional"):
        yield "layers", thing.layers
    for name in sorted({*dir(thing)} - _skipped_attributes(sort), key=_private_last):
        if name.startswith("__"):
            continue
        try:
            child = getattr(thing, name)
        except Exception:  # noqa: BLE001, S112  # Keras's walk passes over whatever a property raises
            continue
        yield name, child


def _private_last(name: str) -> str:
    return f"~{name}" if name.startswith("_") else name


@functools.cache
def _skipped_attributes(sort: str) -> set[str]:
    skipped: set[str] = saving_lib.get_attr_skipset(sort)
    return skipped


def snake_name(thing: object) -> str:
    """Return the name that the archive walk gives to an object in a container."""
    name: str = to_snake_case(type(thing).__name__)
    return name
