"""The configs of dataclasses, by their fields, and of members of enums, by their names."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import operator
from collections.abc import Iterator
from typing import Any

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
    return encoded({name: getattr(self, name) for name in names}, cls.__name__)


def _not_fields(cls: Any) -> Iterator[str]:
    """Yield what a dataclass is made with and does not keep: an InitVar, or its own __init__'s."""
    fields = {field.name for field in dataclasses.fields(cls)}
    for name, one in list(inspect.signature(cls.__init__).parameters.items())[1:]:
        if name not in fields and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
            yield name


def from_fields(cls: Any, config: dict[str, Any]) -> Any:
    """Make a dataclass of its config."""
    values = {name: decode(value) for name, value in config.items()}
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
