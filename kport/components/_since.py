"""What code has set on an object since its constructor, for the config of the object to tell.

Not on layers: what was done to those stands elsewhere in a file, wherever it was done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kport.checkpoint import JSON, split_name
from kport.components._arguments import left_by_code, own_attributes, untold_values
from kport.components._keras_books import is_written, writes_later
from kport.components._leaves import mark_of, prints, text_of
from kport.components._places import put_at
from kport.components._plain import decode_plain, encode_plain, is_plain
from kport.errors import LoadError, Problem

__all__ = ["SINCE", "put_since", "set_since"]

SINCE = "kport_set"
"""The key under which a config tells it."""


def set_since(thing: Any, config: Mapping[str, Any], problems: list[Problem]) -> JSON:
    """Return path -> value, as JSON, of what is another now than `__init__` left.

    Arguments:
        thing: An object that is no layer.
        config: What its config tells without that.
        problems: Takes each object in the place of another, or of a value: no file holds it.
    """
    before, told = left_by_code(thing) or {}, prints(config)
    cls: Any = type(thing)
    own = {
        name: one
        for name, one in own_attributes(thing).items()
        if not (name.startswith("_kport") or is_written(cls, name, constructors=True))
    }
    changed = {
        path: one
        for path, one in untold_values(thing, own)
        if text_of(one) not in (before.get(path), told.get(path))
    }
    for path, one in changed.items():
        was = before.get(path, text_of(None))
        if not (is_plain(one) or was == text_of(None) or writes_later(cls, split_name(path)[0])):
            problems.append(Problem(path, f"is {mark_of(one)}, and was {was}", "lost"))
    return {path: encode_plain(one) for path, one in sorted(changed.items()) if is_plain(one)}


def put_since(thing: Any, values: JSON) -> None:
    """Set on an object what `set_since` told.

    Raises:
        LoadError: It has no place for some of it; all of that is named.
    """
    problems = [
        Problem(path, "is in the file, not in the code")
        for path, node in values.items()
        if not put_at(thing, path, decode_plain(node))
    ]
    if problems:
        raise LoadError(
            f"{type(thing).__name__} has no place for what was set on it after __init__",
            problems=problems,
            remedy="Give the class these attributes again.",
        )
