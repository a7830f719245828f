"""What stands at a path of `leaves`, and how to put something else there."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from kport.checkpoint import split_name
from kport.components._leaves import attributes_of, text_of
from kport.components._plain import container, is_plain
from kport.components._things import has_a_state

__all__ = ["child_at", "put_at"]

_MISSING = object()


def child_at(thing: Any, path: str) -> Any:
    """Return what stands at a path of `leaves`, None where nothing does."""
    for name in split_name(path):
        thing = _child(thing, name)
    return None if thing is _MISSING else thing


def put_at(thing: Any, path: str, value: Any) -> bool:
    """Put a value at a path of `leaves`; say whether there is such a place.

    What is equal already is left alone. What has a state and what has none never take each other's
    place.
    """
    *way, last = split_name(path)
    for name in way:
        thing = _child(thing, name)
    now = _child(thing, last)
    if is_plain(now) and text_of(now) == text_of(value):
        return True
    sort = container(thing)
    given = now is not _MISSING and now is not None
    if given and has_a_state(now) is not has_a_state(value):
        return False
    if sort is None:
        return _set_attribute(thing, last, value)
    if sort not in (list, dict) or (sort is list and now is _MISSING):
        return False
    key = int(last) if sort is list else next((one for one in thing if str(one) == last), last)
    thing[key] = value
    return True


def _child(thing: Any, name: str) -> Any:
    sort = container(thing)
    if sort is dict:
        return next((one for key, one in thing.items() if str(key) == name), _MISSING)
    if sort in (list, tuple):
        return thing[int(name)] if name.isdecimal() and int(name) < len(thing) else _MISSING
    own = attributes_of(thing)
    return {**own, **own.get("_modules", {})}.get(name, _MISSING)  # where PyTorch keeps layers


def _set_attribute(thing: Any, name: str, value: Any) -> bool:
    """Set an attribute that hides no method of its class."""
    of_class = inspect.getattr_static(type(thing), name, None)
    slot = inspect.ismemberdescriptor(of_class)
    caches = isinstance(of_class, functools.cached_property) or slot
    hides = callable(of_class) or (hasattr(of_class, "__get__") and not caches)
    place = slot or (hasattr(thing, "__dict__") and name.isidentifier())
    if hides or not place:
        return False
    setattr(thing, name, value)
    return True
