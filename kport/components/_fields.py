"""The configs of dataclasses, by their fields, and of members of enums, by their names."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import operator
from collections.abc import Iterator
from typing import Any

from kport.checkpoint import JSON
from kport.components._leaves import attributes_of, leaves, mark_of, prints, text_of
from kport.components._plain import encode_plain, is_plain, unwatched
from kport.components._since import SINCE, put_since
from kport.components._values import decode, encode
from kport.errors import Problem, SaveError

__all__ = ["encoded", "fields_config", "from_fields", "from_member", "member_config"]


def encoded(values: dict[str, Any], owner: str) -> dict[str, Any]:
    """Return what an object of a class was made with as JSON.

    Raises:
        SaveError: A file cannot hold some of it; all of that is named.
    """
    problems: list[Problem] = []
    told = {name: encode(value, name, problems) for name, value in values.items()}
    if problems:
        raise SaveError(
            f"{owner} was constructed with something that a file cannot hold",
            problems=problems,
            remedy="Register functions and classes with @kport.register, or write get_config and "
            f"from_config for {owner}.",
        )
    return told


def fields_config(self: Any) -> dict[str, Any]:
    """Return the config of a dataclass."""
    cls = type(self)
    names = [field.name for field in dataclasses.fields(self)]
    lost = [Problem(one, "is an argument and no field", "lost") for one in _not_fields(cls)]
    if lost:
        raise SaveError(
            f"nothing tells what {cls.__name__} was made with",
            problems=lost,
            remedy=f"Write get_config and from_config for {cls.__name__}, or make them fields.",
        )
    config = encoded({name: getattr(self, name) for name in names}, cls.__name__)
    beside = {name: one for name, one in attributes_of(self).items() if name not in names}
    since = {} if not beside else _unlike(beside, _left(self), cls.__name__)
    return {**config, SINCE: since} if since else config


def _unlike(held: dict[str, Any], before: dict[str, str], owner: str) -> JSON:
    """Return path -> value, as JSON, of what is beside the fields and `__post_init__` left not."""
    changed = {path: one for path, one in leaves(held) if before.get(path) != text_of(one)}
    lost = [path for path, one in changed.items() if path in before and not is_plain(one)]
    if lost:
        raise SaveError(
            f"code has put objects into {owner} since __init__",
            problems=[Problem(path, f"is {mark_of(changed[path])}", "lost") for path in lost],
            remedy="Make them fields.",
        )
    return {path: encode_plain(one) for path, one in sorted(changed.items()) if is_plain(one)}


def _left(thing: Any) -> dict[str, str]:
    """Return the prints of a dataclass of the same fields."""
    values = {one.name: unwatched(getattr(thing, one.name)) for one in dataclasses.fields(thing)}
    with contextlib.suppress(Exception):  # of a user's method
        return prints(attributes_of(_made(type(thing), values)))
    return {}


def _not_fields(cls: Any) -> Iterator[str]:
    """Yield what a dataclass is made with and does not keep: an InitVar, or its own __init__'s."""
    fields = {field.name for field in dataclasses.fields(cls)}
    for name, one in list(inspect.signature(cls.__init__).parameters.items())[1:]:
        if name not in fields and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
            yield name


def from_fields(cls: Any, config: dict[str, Any]) -> Any:
    """Make a dataclass of its config."""
    thing = _made(cls, {name: decode(one) for name, one in config.items() if name != SINCE})
    put_since(thing, config.get(SINCE, {}))
    return thing


def _made(cls: Any, values: dict[str, Any]) -> Any:
    made = {field.name for field in dataclasses.fields(cls) if not field.init}
    thing = cls(**{name: value for name, value in values.items() if name not in made})
    for name, value in values.items():
        # As it was, whatever __post_init__ makes of it; a frozen one may be set by no one else.
        object.__setattr__(thing, name, value)
    return thing


def member_config(self: Any) -> dict[str, Any]:
    """Return the config of a member of an enum."""
    return {"member": self.name}


def from_member(cls: Any, config: dict[str, Any]) -> Any:
    """Return the member of an enum, or of a Flag the members, that a config names."""
    if config["member"] is None:
        return cls(0)  # of a Flag, none of them
    return functools.reduce(operator.or_, [cls[name] for name in config["member"].split("|")])
