"""Remember what a component was constructed with.

`@kport.register` wraps ``__init__`` of a class. The outermost registered constructor binds its
arguments and keeps them beside the object, as they were given.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = ["Arguments", "arguments_of", "remember_arguments"]

_ATTRIBUTE = "_kport_arguments"
_PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class Arguments:
    """What one object was constructed with.

    Arguments:
        owner: The class whose constructor it was.
        named: Every argument by name, defaults and ``**kwargs`` filled in.
        positional: What was given by place, where the constructor has ``*args``.
        attributes: Names of plain arguments that the constructor made attributes of, as they were.
        policy: The name of the global dtype policy that parts made inside were built under.
    """

    owner: type
    named: Mapping[str, Any]
    positional: tuple[Any, ...] = field(default=())
    policy: Any = None
    attributes: frozenset[str] = frozenset()


def arguments_of(thing: object) -> Arguments | None:
    """Return what an object would be constructed with now; None if its class is not registered.

    That is what it was constructed with, but for numbers and words that it keeps as an attribute
    of the same name, which code may have changed since.
    """
    found = getattr(thing, "__dict__", {}).get(_ATTRIBUTE)
    if not isinstance(found, Arguments):
        return None
    now = {name: vars(thing).get(name) for name in found.attributes}
    changed = {name: value for name, value in now.items() if type(value) in _PLAIN}
    return replace(found, named={**found.named, **changed})


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
            vars(self)[_ATTRIBUTE] = _with_attributes(vars(self)[_ATTRIBUTE], vars(self))

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


def _with_attributes(arguments: Arguments, attributes: Mapping[str, Any]) -> Arguments:
    same = [
        name
        for name, value in arguments.named.items()
        if type(value) in _PLAIN
        and type(attributes.get(name, ...)) is type(value)
        and attributes[name] == value
    ]
    return replace(arguments, attributes=frozenset(same))


def _copied(value: Any) -> Any:
    """Return a container as it is now: a constructor may use it up."""
    if type(value) in (list, tuple, set):
        return type(value)(_copied(one) for one in value)
    if type(value) is dict:
        return {key: _copied(one) for key, one in value.items()}
    return value


def _global_policy() -> Any:
    import keras

    policy = keras.config.dtype_policy()
    return None if policy.name == "float32" else policy
