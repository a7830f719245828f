"""What an object holds, by path: plain values, and objects that are none.

A path leads through containers and plain objects of users. Layers, variables, metrics and
optimizers have a state of their own and end it, as does whatever no file can hold: locks, files,
compiled functions.
"""

from __future__ import annotations

import contextlib
import enum
import inspect
import json
from collections import UserList, deque
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from kport.checkpoint import digest, join_name
from kport.components._plain import container, is_array, is_plain, print_of
from kport.components._things import has_a_state, is_function, is_of_users_class
from kport.components._values import PLAIN

__all__ = [
    "attributes_of",
    "is_fixed",
    "is_mark",
    "is_pythons",
    "leaves",
    "mark_of",
    "prints",
    "text_of",
]

_ADDRESS = " at 0x"  # in memory
_FUNCTION = "<function>"
_LONG = 60  # a longer text is told by its hash


def leaves(
    held: Mapping[str, Any], known: frozenset[int] = frozenset()
) -> Iterator[tuple[str, Any]]:
    """Yield path and value of all that stands at the end of a path, and each object on the way.

    Of containers only what is in them, but for one that holds itself.

    Arguments:
        held: The attributes of an object.
        known: The ids of objects that are told elsewhere.
    """
    seen = set(known)
    waiting: list[tuple[tuple[str, ...], tuple[int, ...], Mapping[Any, Any]]] = [((), (), held)]
    while waiting:
        path, around, inside = waiting.pop()
        for key, value in list(inside.items()):  # another thread may add to it
            if type(value) not in PLAIN and has_a_state(value):
                continue
            here = (*path, str(key))
            if is_plain(value):
                yield join_name(*here), value
            elif id(value) not in known and not _is_passing(value):
                if container(value) not in (list, tuple, dict) or id(value) in around:
                    yield join_name(*here), value
                if id(value) not in seen and (inner := _inside(value)) is not None:
                    seen.add(id(value))
                    waiting.append((here, (*around, id(value)), inner))


def prints(held: Mapping[str, Any]) -> dict[str, str]:
    """Return path -> `text_of` of all `leaves`."""
    return {path: text_of(one) for path, one in leaves(held)}


def text_of(value: Any) -> str:
    """Return a short text that is another for any other plain value, and for most objects."""
    return print_of(value) if is_plain(value) else mark_of(value)


def _is_passing(value: Any) -> bool:
    """Whether it is of one run: a tensor without a value, or a callback, as ``model.history``."""
    import keras

    of_a_run = isinstance(value, (keras.KerasTensor, keras.callbacks.Callback))
    return of_a_run or (is_array(value) and not isinstance(value, np.ndarray))


def _inside(value: Any) -> Mapping[Any, Any] | None:
    sort = container(value)
    if sort is dict:
        return dict(value)
    if sort in (list, tuple):
        return dict(enumerate(value))
    if not is_of_users_class(value) or _is_one_value(value):
        return None
    return {**_rows(value), **attributes_of(value)}


def _rows(value: Any) -> Mapping[Any, Any]:
    """Return what a container of a user's class holds, none of its own methods asked."""
    if isinstance(value, dict):
        return dict.copy(value)
    if isinstance(value, list):
        return dict(enumerate(list.__iter__(value)))
    if isinstance(value, deque):
        return dict(enumerate(deque.__iter__(value)))
    if isinstance(value, UserList):
        return dict(enumerate(value.data))
    return dict(enumerate(tuple.__iter__(value))) if isinstance(value, tuple) else {}


def attributes_of(thing: Any) -> dict[str, Any]:
    """Return the attributes of an object, those of ``__slots__`` with the rest.

    Not Python's own, such as the ``__orig_class__`` of a generic one.
    """
    every = {**dict(_in_slots(thing)), **getattr(thing, "__dict__", {})}
    return {name: one for name, one in every.items() if not is_pythons(name)}


def is_pythons(name: str) -> bool:
    """Whether an attribute is one that Python gives to an object."""
    return name.startswith("__") and name.endswith("__")


def _in_slots(thing: Any) -> Iterator[tuple[str, Any]]:
    for cls in type(thing).__mro__:
        slots = vars(cls).items() if "__slots__" in vars(cls) else ()
        for name, slot in slots:
            if inspect.ismemberdescriptor(slot):
                with contextlib.suppress(AttributeError):  # nothing is in it yet
                    yield name, slot.__get__(thing, cls)


def mark_of(thing: Any) -> str:
    """Return what tells an object that is no plain value from others: its class, and what it says.

    Only values say anything: members of enums, named tuples, dates, objects of Keras that have a
    config, and the like.
    """
    if is_function(thing):
        return _FUNCTION  # those are compared on their own
    said = ""
    with contextlib.suppress(Exception):  # of any class, so any
        said = _said(thing)
    name = (container(thing) or type(thing)).__name__
    if not said or _ADDRESS in said:
        return f"<{name}>"
    return f"<{name} {said if len(said) <= _LONG else digest(said.encode())}>"


def is_mark(text: str) -> bool:
    """Whether a print is one of `mark_of`."""
    return text.startswith("<")


def _said(thing: Any) -> str:
    root = type(thing).__module__.partition(".")[0]
    if isinstance(thing, enum.Enum):
        return str(thing.name)
    if isinstance(thing, type):
        return thing.__qualname__
    if isinstance(thing, (set, frozenset)):
        return json.dumps(sorted(text_of(one) for one in thing if not has_a_state(one)))
    if isinstance(thing, np.ndarray):
        values = np.ascontiguousarray(thing).reshape(-1)
        told = "" if thing.dtype.hasobject else digest(values.view(np.uint8).data)
        return f"{thing.dtype} {thing.shape} {told}"
    if root == "keras":
        return json.dumps(thing.get_config(), default=repr)
    if (_is_one_value(thing) or _rows(thing)) and (held := _beside_parts(thing)) is not None:
        return json.dumps(held)  # what a layer says of itself changes when it is built
    text = repr(thing) if _is_one_value(thing) or not is_of_users_class(thing) else ""
    return "" if text.startswith("<") else text


def _beside_parts(thing: Any) -> dict[str, str] | None:
    """Return what a value that holds layers or variables holds beside them; None if it has none."""
    import keras

    held = {**_rows(thing), **attributes_of(thing)}
    parts = any(has_a_state(one) for one in keras.tree.flatten(held))
    return prints(held) if parts else None


def is_fixed(thing: Any) -> bool:
    """Whether an object is a value that code gives the same each time: a class, a member, ..."""
    import keras

    if container(thing) is not None or isinstance(thing, keras.Loss):  # which compile() may set
        return False
    of_keras = type(thing).__module__.startswith("keras.")
    return isinstance(thing, type) or of_keras or _is_one_value(thing)


def _is_one_value(thing: Any) -> bool:
    """Whether an object of a user's class is a value, and nobody changes what is in it."""
    fields = getattr(type(thing), "__dataclass_params__", None)
    named = isinstance(thing, tuple) and hasattr(thing, "_fields")
    return named or isinstance(thing, enum.Enum) or bool(fields and fields.frozen)
