"""What containers and functions hold, each thing under a name that is the same in every process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from types import CellType
from typing import Any

import keras

from kport.checkpoint import distinct, local_layer_names
from kport.errors import UsageError

__all__ = ["enclosed", "members"]

_EMPTY = CellType()  # of a name that is not bound yet


def _natural(name: str) -> tuple[str, int]:
    stem, _, number = name.rpartition("_")
    return (stem, int(number)) if number.isdecimal() else (name, -1)


def members(container: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a container holds, each thing under a name that no other one in it has.

    Raises:
        UsageError: Nothing tells layers of a set from each other.
    """
    if isinstance(container, (set, frozenset)):
        # A set has no order; Keras numbers layers in the order in which they were made.
        layers = [one for one in container if isinstance(one, keras.Layer)]
        layers.sort(key=lambda layer: _natural(layer.name))
        names = local_layer_names([(type(one).__name__, one.name) for one in layers])
        if twice := {name for name in names if names.count(name) > 1}:
            raise UsageError(
                f"a set holds several layers of one name: {', '.join(sorted(twice))}",
                remedy="Give them names of their own, or hold them in a list.",
            )
        yield from zip(names, layers, strict=True)
    elif isinstance(container, Mapping):
        keys = sorted(container, key=lambda key: (str(key), type(key).__name__))
        for name, key in zip(distinct([str(key) for key in keys]), keys, strict=True):
            yield name, container[key]
    else:
        yield from ((str(index), value) for index, value in enumerate(container))


def enclosed(function: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a function has beside its code: its closure, its defaults, what is bound to it."""
    if isinstance(function, partial):
        held = {"func": function.func, "args": function.args, **function.keywords}
    else:
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        held = {name: cell.cell_contents for name, cell in cells if cell != _EMPTY}
        held |= {"defaults": function.__defaults__ or (), **(function.__kwdefaults__ or {})}
    yield from sorted(held.items(), key=_first)


def _first(pair: tuple[str, Any]) -> str:
    return pair[0]
