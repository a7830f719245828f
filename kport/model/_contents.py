"""What containers and functions hold, each thing under a name that is the same in every process."""

from __future__ import annotations

from collections import UserList, deque
from collections.abc import Iterator, Mapping
from functools import partial
from types import CellType, FunctionType, MethodType
from typing import Any

import numpy as np

from kport.checkpoint import distinct, local_layer_names
from kport.components import has_a_state
from kport.errors import UsageError

__all__ = ["enclosed", "is_container", "is_function", "members"]

_ROWS = (list, tuple, deque, UserList)
_FUNCTIONS = (FunctionType, MethodType, partial)

_EMPTY = CellType()  # of a name that is not bound yet


def _natural(name: str) -> tuple[str, int]:
    stem, _, number = name.rpartition("_")
    return (stem, int(number)) if number.isdecimal() else (name, -1)


def is_container(thing: Any) -> bool:
    """Whether `members` knows what a thing holds."""
    objects = isinstance(thing, np.ndarray) and thing.dtype.hasobject
    return objects or isinstance(thing, (*_ROWS, Mapping, set, frozenset))


def is_function(thing: Any) -> bool:
    """Whether `enclosed` knows what a thing holds."""
    return isinstance(thing, _FUNCTIONS) or isinstance(
        vars(thing).get("__wrapped__") if hasattr(thing, "__dict__") else None, _FUNCTIONS
    )


def members(container: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a container holds, each thing under a name that no other one in it has.

    Raises:
        UsageError: Nothing tells layers of a set from each other.
    """
    if isinstance(container, (set, frozenset)):
        # A set has no order; Keras numbers layers in the order in which they were made.
        layers = [one for one in container if has_a_state(one) and hasattr(one, "name")]
        layers.sort(key=lambda layer: _natural(layer.name))
        names = local_layer_names([(type(one).__name__, one.name) for one in layers])
        if twice := {name for name in names if names.count(name) > 1}:
            raise UsageError(
                f"a set holds several objects of one name: {', '.join(sorted(twice))}",
                remedy="Give them names of their own, or hold them in a list.",
            )
        yield from zip(names, layers, strict=True)
    elif isinstance(container, Mapping):
        keys = sorted(container, key=lambda key: (str(key), type(key).__name__))
        for name, key in zip(distinct([str(key) for key in keys]), keys, strict=True):
            yield name, container[key]
    else:
        rows = container.flat if isinstance(container, np.ndarray) else container
        yield from ((str(index), value) for index, value in enumerate(rows))


def enclosed(function: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a function has beside its code: its closure, its defaults, what is bound to it."""
    if isinstance(function, partial):
        held = {"func": function.func, "args": function.args, **function.keywords}
    elif isinstance(function, MethodType):
        held = {"self": function.__self__, "func": function.__func__}
    elif not isinstance(function, FunctionType):  # what a decorator made
        held = {"func": function.__wrapped__}
    else:
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        held = {name: cell.cell_contents for name, cell in cells if cell != _EMPTY}
        held |= {"defaults": function.__defaults__ or (), **(function.__kwdefaults__ or {})}
    yield from sorted(held.items(), key=_first)


def _first(pair: tuple[str, Any]) -> str:
    return pair[0]
