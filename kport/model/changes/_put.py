"""Put back what code had changed: plain values, by their paths."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import keras

from kport.checkpoint import JSON, ReportLine, split_name
from kport.components import attributes_of, container, decode_plain, has_a_state, is_plain, print_of
from kport.errors import LoadError, Problem, mapped
from kport.model._attributes import may_be_set
from kport.model._walk import Walk

__all__ = ["put_values"]

_MISSING = object()


def put_values(found: Walk, states: Mapping[str, JSON], *, whole: bool = True) -> list[ReportLine]:
    """Set what code had changed on layers; return what is left to the first call of a layer.

    Arguments:
        found: The model.
        states: Path of a layer -> its state in the file.
        whole: Whether the layers have all by now that the file gives them; assets may make objects
            that have places for values. What is not built yet makes its own at a first call.

    Raises:
        LoadError: The code here has no place for some of it; all of that is named.
    """
    left = [
        (layer, ".".join(one for one in (path, name) if one))
        for path, layer in found.layers()
        for name, node in states.get(path or ".", {}).get("attributes", {}).items()
        if not _put(layer, name, node)
    ]
    problems = [
        Problem(one, "is in the file, not in the code") for layer, one in left if layer.built
    ]
    if problems and whole:
        raise LoadError(
            "the code here has no place for what was set in the model after __init__",
            problems=problems,
            remedy="Give the classes these attributes again; or build the model and use "
            "kport.load_weights(model, path).",
        )
    why = "the layer was never called, and its code has no place for it until then"
    return [ReportLine("dropped", place, why) for layer, place in left if whole and not layer.built]


def _put(layer: keras.Layer, name: str, node: Any) -> bool:
    if not may_be_set(layer, split_name(name)[0]):
        return False
    with mapped(LoadError, f"the attribute {name} cannot be set"), suppress(AttributeError):
        return _put_at(layer, name, decode_plain(node))
    return False  # it is a property, or its object lets nothing be set


def _put_at(thing: Any, path: str, value: Any) -> bool:
    """Put a plain value at a path of `plain_values`; say whether there is such a place.

    What is equal already is left alone; no value takes the place of a layer or a variable.
    """
    *way, last = split_name(path)
    for name in way:
        thing = _child(thing, name)
    now = _child(thing, last)
    if is_plain(now) and print_of(now) == print_of(value):
        return True
    sort = container(thing)
    if sort is None:
        return _set_attribute(thing, last, now, value)
    if sort not in (list, dict) or has_a_state(now) or (sort is list and now is _MISSING):
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


def _set_attribute(thing: Any, name: str, now: Any, value: Any) -> bool:
    """Set an attribute that hides no method of its class."""
    of_class = inspect.getattr_static(type(thing), name, None)
    slot = inspect.ismemberdescriptor(of_class)
    caches = isinstance(of_class, functools.cached_property) or slot
    hides = callable(of_class) or (hasattr(of_class, "__get__") and not caches)
    place = slot or (hasattr(thing, "__dict__") and name.isidentifier())
    if hides or has_a_state(now) or not place:
        return False
    setattr(thing, name, value)
    return True
