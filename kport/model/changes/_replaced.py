"""Whether an object stands where a value stood, so that loading would silently have the value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from kport.checkpoint import join_name, split_name
from kport.components import (
    MARK,
    attributes_of,
    container,
    is_function,
    is_mark,
    mark_of,
    print_of,
    writes_later,
)

__all__ = ["value_before"]

_NONE = print_of(None)


def value_before(
    layer: keras.Layer, path: str, thing: Any, before: Mapping[str, str]
) -> str | None:
    """Return the print of the value, or the other object, in the place of which an object stands.

    None where that was None, which code fills in as it goes; where it may be the same object,
    changed; and where a method of the class itself sets the attribute.

    Arguments:
        layer: The layer.
        path: Where the object is; see `leaves`.
        thing: The object.
        before: Path -> print of what the code of the layer makes.
    """
    was = _was(before, split_name(path))
    if was in (None, _NONE) or _may_be_one(was, thing):
        return None
    *way, last = split_name(path)
    owner: Any = layer
    for name in way:
        owner = _inside(owner)[name]
    kind: Any = type(owner)
    return None if container(owner) is None and writes_later(kind, last) else was


def _inside(thing: Any) -> dict[str, Any]:
    sort = container(thing)
    if sort is dict:
        return {str(key): one for key, one in thing.items()}
    if sort is not None:
        return {str(place): one for place, one in enumerate(thing)}
    own = attributes_of(thing)
    return {**own, **own.get("_modules", {})}


def _may_be_one(was: str, thing: Any) -> bool:
    """Whether an object may be the one of before, in which something was changed."""
    if not is_mark(was):
        return False
    if is_function(thing):
        return was == mark_of(thing)  # functions are compared on their own
    (old, _, _), (new, _, said) = was[1:-1].partition(" "), mark_of(thing)[1:-1].partition(" ")
    changes = type(thing).__hash__ is None or hasattr(thing, "__next__")
    return old == new and (changes or not said)


def _was(before: Mapping[str, str], steps: Sequence[str]) -> str | None:
    """Return the print of what was at a path, also inside of a container of values."""
    for count in range(len(steps), 0, -1):
        text = before.get(join_name(*steps[:count]))
        if text is not None:
            rest = steps[count:]
            if rest and is_mark(text):
                return None  # what is in it has prints of its own
            return _item(json.loads(text), rest) if rest and text[0] in "[{" else text
    return None


def _item(node: Any, steps: Sequence[str]) -> str | None:
    for step in steps:
        rows = node.get("items", []) if isinstance(node, dict) and MARK in node else node
        if isinstance(node, dict) and node.get(MARK) == "dict":
            rows = {str(key): one for key, one in rows}
        if isinstance(rows, list):
            rows = {str(place): one for place, one in enumerate(rows)}
        node = rows.get(step) if isinstance(rows, dict) else None
    return _NONE if node is None else json.dumps(node)
