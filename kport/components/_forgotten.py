"""Find what the config of an object does not tell: arguments left out, or since replaced."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from typing import Any

from kport.components._arguments import Arguments, arguments_of, own_attributes
from kport.components._configs import writes_no_config
from kport.components._inherited import AS_GIVEN, OF_ANY_LAYER, changed_since, inherited_config
from kport.components._leaves import text_of
from kport.components._plain import is_plain
from kport.components._values import encode
from kport.errors import Problem

__all__ = ["forgotten_arguments", "replaced_arguments", "retold_arguments"]


def forgotten_arguments(thing: Any, *, told: bool = False) -> list[Problem]:
    """Return the constructor's arguments that a hand-written `get_config` leaves out.

    Only those whose value is not the default: without them the loaded object would be another.
    A class that also writes its own `from_config` is trusted.

    Arguments:
        thing: An object.
        told: Whether it is made of its config; then one of a class that is not registered counts,
            too, by the arguments that its constructor must have.
    """
    cls, arguments = type(thing), arguments_of(thing)
    if (arguments is None and not told) or writes_no_config(cls) or _writes_from_config(cls):
        return []
    config = _own_config(thing)
    if config is None:
        return []
    wanted = _needed(cls) if arguments is None else _changed(arguments)
    return [
        Problem(
            _label(thing), f"get_config leaves out the argument {name!r} of __init__", "missing"
        )
        for name in wanted
        if name not in config
    ]


def retold_arguments(thing: Any) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Yield name, and value given and told, of plain arguments that a `get_config` tells otherwise.

    Code may have changed them since, or `__init__` made others of them.
    """
    arguments = arguments_of(thing)
    if arguments is None or writes_no_config(type(thing)) or _writes_from_config(type(thing)):
        return
    told = _own_config(thing) or {}
    for name in arguments.named.keys() & told.keys() - OF_ANY_LAYER:
        pair = arguments.named[name], told[name]
        if all(map(is_plain, pair)) and text_of(pair[0]) != text_of(pair[1]):
            yield name, pair


def _needed(cls: Any) -> Iterator[str]:
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    for name, one in list(inspect.signature(cls.__init__).parameters.items())[1:]:
        if one.kind in by_name and one.default is inspect.Parameter.empty:
            yield name


def _own_config(thing: Any) -> dict[str, Any] | None:
    # One that fails is no reason to refuse a layer that only code makes.
    with contextlib.suppress(Exception):
        config: dict[str, Any] = thing.get_config()
        return config
    return None


def replaced_arguments(thing: Any) -> list[Problem]:
    """Return functions and objects that were put in the place of what `__init__` made of arguments.

    A config made of the arguments has still what was there before.
    """
    import keras

    arguments = arguments_of(thing)
    if arguments is None or not writes_no_config(type(thing)):
        return []
    own = own_attributes(thing)
    replaced = [
        name
        for name, before in arguments.left.items()
        if own.get(name) is not before
        and not _is_kept(arguments, name)
        and _is_told_as_a_whole(before)
    ]
    if isinstance(thing, keras.Layer) and any(one != AS_GIVEN for one in arguments.made.values()):
        replaced += changed_since(arguments.made, inherited_config(thing))
    text = "was set after __init__, whose argument it was"
    return [Problem(_label(thing), f"{name!r} {text}", "lost") for name in replaced]


def _is_kept(arguments: Arguments, name: str) -> bool:
    """Whether a config made of the arguments has an attribute as it is now."""
    problems: list[Problem] = []
    if name in arguments.kept:
        encode(arguments.named[name], name, problems)
    return name in arguments.kept and not problems


def _is_told_as_a_whole(value: Any) -> bool:
    import keras

    told = callable(value) or hasattr(value, "get_config")
    return told and not isinstance(
        value,  # what has a place of its own in a file
        (
            keras.Layer,
            keras.Loss,
            keras.Metric,
            keras.Optimizer,
            keras.Variable,
        ),
    )


def _label(thing: Any) -> str:
    cls = type(thing).__name__
    return f"{getattr(thing, 'name', cls)} ({cls})"


def _writes_from_config(cls: type) -> bool:
    method = getattr(cls, "from_config", None)
    return not (getattr(method, "__module__", "") or "").startswith("keras.")


def _changed(arguments: Arguments) -> Iterator[str]:
    parameters = inspect.signature(arguments.owner.__init__).parameters  # type: ignore[misc]  # the constructor of a class
    for name, value in arguments.named.items():
        default = parameters[name].default if name in parameters else inspect.Parameter.empty
        if name not in OF_ANY_LAYER and value is not default and not _equal(value, default):
            yield name


def _equal(value: Any, default: Any) -> bool:
    try:
        return bool(value == default)
    except (TypeError, ValueError):  # arrays do not compare to one truth
        return False
