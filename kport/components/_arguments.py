"""Remember what a component was constructed with.

`@kport.register` wraps ``__init__`` of a class. The outermost registered constructor binds its
arguments and keeps them beside the object, as they were given.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import Any

import numpy as np

__all__ = [
    "Arguments",
    "arguments_of",
    "changed_attributes",
    "is_array",
    "own_attributes",
    "remember_arguments",
]

_ATTRIBUTE = "_kport_arguments"
_PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class Arguments:
    """What one object was constructed with.

    Arguments:
        owner: The class whose constructor it was.
        named: Every argument by name, defaults and ``**kwargs`` filled in.
        positional: What was given by place, where the constructor has ``*args``.
        kept: Names of arguments that the constructor made attributes of, as they were.
        left: Attributes as the constructor left them: those named like an argument, and plain ones
            and arrays without a leading underscore.
        policy: The name of the global dtype policy that parts made inside were built under.
    """

    owner: type
    named: Mapping[str, Any]
    positional: tuple[Any, ...] = field(default=())
    policy: Any = None
    kept: frozenset[str] = frozenset()
    left: Mapping[str, Any] = field(default_factory=dict)


def arguments_of(thing: object) -> Arguments | None:
    """Return what an object would be constructed with now; None if its class is not registered.

    That is what it was constructed with, but for what it keeps as an attribute of the same name,
    which code may have changed since.
    """
    found = getattr(thing, "__dict__", {}).get(_ATTRIBUTE)
    if not isinstance(found, Arguments):
        return None
    own = own_attributes(thing)
    now = {name: own[name] for name in found.kept if name in own}
    changed = {
        name: _copied(value)
        for name, value in now.items()
        if not _same(value, found.named[name]) and _can_be_given(value, found.named[name])
    }
    return replace(found, named={**found.named, **changed})


def changed_attributes(thing: object) -> dict[str, Any]:
    """Return the numbers, words and flags that code has changed since the constructor returned.

    What was None is not among them: code that finds it so makes it anew; nor is what has a leading
    underscore, which is the class's own to keep, nor what `arguments_of` tells.
    """
    found = arguments_of(thing)
    if found is None:
        return {}
    own = vars(thing)
    return {
        name: own[name]
        for name, before in found.left.items()
        if name not in found.kept
        and type(before) in _PLAIN
        and before is not None
        and type(own.get(name)) in _PLAIN
        and not _same(own[name], before)
    }


def own_attributes(thing: object) -> dict[str, Any]:
    """Return the attributes of an object by name; PyTorch keeps layers in a dict of their own."""
    own = vars(thing)
    return {**own, **own.get("_modules", {})}


def remember_arguments(cls: type) -> None:
    """Wrap the constructor of a class so that its objects know their arguments."""
    original = cls.__init__  # type: ignore[misc]  # a class's own constructor is what is wrapped
    signature = inspect.signature(original)

    @functools.wraps(original)
    def construct(self: Any, *args: Any, **kwargs: Any) -> None:
        # Into __dict__, since Keras's __setattr__ tracks layers and refuses before __init__.
        outermost = _ATTRIBUTE not in vars(self)
        if outermost:
            vars(self)[_ATTRIBUTE] = _bound(cls, signature, self, args, kwargs)
        original(self, *args, **kwargs)
        if outermost and vars(self)[_ATTRIBUTE] is not None:
            vars(self)[_ATTRIBUTE] = _with_attributes(vars(self)[_ATTRIBUTE], own_attributes(self))

    # Keras looks at the real parameters to make a config (Operation.__new__).
    construct.__signature__ = signature  # type: ignore[attr-defined]  # what inspect looks for
    cls.__init__ = construct  # type: ignore[misc]  # as above


def _bound(
    cls: type, signature: inspect.Signature, self: object, args: Any, kwargs: Any
) -> Arguments | None:
    try:
        bound = signature.bind(self, *args, **kwargs)
    except TypeError:
        return None  # the constructor itself says it better
    bound.apply_defaults()
    by_place = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL}
    if any(signature.parameters[name].kind in by_place for name in bound.arguments):
        # What stands before *args can only be given by place, too.
        given = _copied(bound.kwargs), _copied(bound.args[1:])
        return Arguments(cls, *given, _global_policy())
    named: dict[str, Any] = {}
    for name, value in list(bound.arguments.items())[1:]:
        keywords = signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD
        named.update(value if keywords else {name: value})
    return Arguments(cls, _copied(named), (), _global_policy())


def _with_attributes(arguments: Arguments, own: Mapping[str, Any]) -> Arguments:
    left = {
        name: value
        for name, value in own.items()
        if name in arguments.named
        or ((type(value) in _PLAIN or is_array(value)) and not name.startswith("_"))
    }
    same = (name for name, value in arguments.named.items() if _same(left.get(name, ...), value))
    return replace(arguments, kept=frozenset(same), left=left)


def is_array(value: object) -> bool:
    """Whether it is an array or tensor of any backend; variables and what holds them are none."""
    import keras

    return isinstance(value, np.ndarray) or keras.ops.is_tensor(value)


def _same(one: Any, other: Any) -> bool:
    """Whether two attributes are one, containers item by item."""
    sort = _container(one)
    if sort is None or sort is not _container(other) or len(one) != len(other):
        plain = type(one) is type(other) and type(one) in _PLAIN and one == other
        return one is other or bool(plain)
    if sort is dict:
        return all(key in other and _same(one[key], other[key]) for key in one)
    if sort is set:
        return bool(one == other)
    return all(_same(*pair) for pair in zip(one, other, strict=True))


def _can_be_given(value: Any, before: Any) -> bool:
    """Whether it is an argument that is kept, rather than something made of one since."""
    import keras

    if isinstance(value, keras.Layer):
        return before is not None  # else build() made it
    if (sort := _container(value)) is not None:
        return all(_can_be_given(one, ...) for one in (value.values() if sort is dict else value))
    given = (*_PLAIN, np.generic, np.ndarray, type, FunctionType, functools.partial)
    return isinstance(value, given) or hasattr(value, "get_config")


def _container(value: Any) -> type | None:
    """The sort of a container, for which Keras and TensorFlow have classes that watch it."""
    for sort in (list, tuple, set, dict):
        if isinstance(value, sort):
            watched = type(value).__module__.startswith(("keras.", "tensorflow."))
            return sort if watched or type(value) is sort else None
    return None


def _copied(value: Any) -> Any:
    """Return a container as it is now: a constructor may use it up."""
    sort = _container(value)
    if sort is None:
        return value
    if sort is dict:
        return {key: _copied(one) for key, one in value.items()}
    return sort(_copied(one) for one in value)


def _global_policy() -> Any:
    import keras

    policy = keras.config.dtype_policy()
    return None if policy.name == "float32" else policy
