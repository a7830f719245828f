"""Remember what a component was constructed with.

`@kport.register` wraps ``__init__`` of a class. The outermost registered constructor binds its
arguments and keeps them beside the object, as they were given.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import Any

import numpy as np

from kport.components._inherited import made_of
from kport.components._leaves import leaves, prints
from kport.components._plain import container, unwatched
from kport.components._policy import build_as_constructed
from kport.components._values import PLAIN

__all__ = [
    "Arguments",
    "arguments_of",
    "left_by_code",
    "own_attributes",
    "presumed",
    "remember_arguments",
    "untold_values",
]

_ATTRIBUTE = "_kport_arguments"


@dataclass(frozen=True, slots=True)
class Arguments:
    """What one object was constructed with.

    Arguments:
        owner: The class whose constructor it was.
        named: Every argument by name, defaults and ``**kwargs`` filled in.
        positional: What was given by place, where the constructor has ``*args``.
        policy: The name of the global dtype policy that parts made inside were built under.
        kept: Names of arguments that the constructor made attributes of, as they were.
        left: Attributes named like an argument, as the constructor left them.
        prints: What the constructor, and `build` since, left, by path; see `leaves`.
        made: What Keras's own base class told then of arguments; see `made_of`.
    """

    owner: type
    named: Mapping[str, Any]
    positional: tuple[Any, ...] = field(default=())
    policy: Any = None
    kept: frozenset[str] = frozenset()
    left: Mapping[str, Any] = field(default_factory=dict)
    prints: Mapping[str, str] = field(default_factory=dict)
    made: Mapping[str, str] = field(default_factory=dict)


def arguments_of(thing: object) -> Arguments | None:
    """Return what an object would be constructed with now; None if its class is not registered.

    That is what it was constructed with, but for what it keeps as an attribute of the same name,
    which code may have changed since.
    """
    found = getattr(thing, "__dict__", {}).get(_ATTRIBUTE)
    if not isinstance(found, Arguments):
        return None
    changed = {
        name: unwatched(value)
        for name, value in _told(thing, found)
        if not _same(value, found.named[name])
    }
    return replace(found, named={**found.named, **changed})


def _told(thing: object, found: Arguments) -> Iterator[tuple[str, Any]]:
    """Yield the attributes that `arguments_of` tells as they are now."""
    own = own_attributes(thing)
    for name in found.kept & own.keys():
        if _same(own[name], found.named[name]) or _can_be_given(own[name], found.named[name]):
            yield name, own[name]


@contextlib.contextmanager
def presumed(thing: Any, named: Mapping[str, Any]) -> Iterator[None]:
    """Let an object that is older than the registration of its class have these arguments."""
    own = vars(thing)
    before = {key: own[key] for key in own.keys() & {_ATTRIBUTE}}  # of a base class, perhaps
    own[_ATTRIBUTE] = Arguments(type(thing), named)
    try:
        yield
    finally:
        del own[_ATTRIBUTE]
        own.update(before)


def left_by_code(thing: object) -> Mapping[str, str] | None:
    """Return the prints of what the constructor and `build` left, by path; see `prints`.

    None where nobody remembers them, as the class is not registered.
    """
    found = vars(thing).get(_ATTRIBUTE)
    if not isinstance(found, Arguments) or found.owner is not type(thing):
        return None
    return found.prints


def untold_values(thing: object, own: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield path and value of what attributes hold and `arguments_of` does not tell; see `leaves`.

    Arguments:
        thing: The object.
        own: Those of its attributes that count.
    """
    found = vars(thing).get(_ATTRIBUTE)
    if not isinstance(found, Arguments):
        return leaves(own)
    told = {name for name, _ in _told(thing, found)}
    rest = {name: value for name, value in own.items() if name not in told}
    return leaves(rest, _given(found))


def _given(found: Arguments) -> frozenset[int]:
    """The ids of objects that a config has as they are now."""
    return frozenset(id(one) for one in [*found.named.values(), *found.positional])


def own_attributes(thing: object) -> dict[str, Any]:
    """Return the attributes of an object by name; PyTorch keeps layers in a dict of their own."""
    own = vars(thing)
    return {**own, **own.get("_modules", {})}


def remember_arguments(cls: Any) -> None:
    """Wrap the constructor of a class so that its objects know their arguments."""
    original = cls.__init__
    signature = inspect.signature(original)
    inherits = "__init__" not in vars(cls)

    @functools.wraps(original)
    def construct(self: Any, *args: Any, **kwargs: Any) -> None:
        # Into __dict__, since Keras's __setattr__ tracks layers and refuses before __init__.
        outermost = _ATTRIBUTE not in vars(self)
        if outermost:
            vars(self)[_ATTRIBUTE] = _bound(cls, signature, self, args, kwargs)
        # Keras gives a model of a graph another base class, so another constructor to inherit.
        go_on = super(cls, self).__init__ if inherits else functools.partial(original, self)
        go_on(*args, **kwargs)
        if outermost and vars(self)[_ATTRIBUTE] is not None:
            vars(self)[_ATTRIBUTE] = _with_attributes(vars(self)[_ATTRIBUTE], self)
            build_as_constructed(self)

    # Keras looks at the real parameters to make a config (Operation.__new__).
    construct.__signature__ = signature  # type: ignore[attr-defined]  # what inspect looks for
    cls.__init__ = construct
    if isinstance(vars(cls).get("build"), FunctionType):
        _watch_build(cls)


def _watch_build(cls: Any) -> None:
    """Let what `build` changes count as left by the constructor: it runs whenever a file is read.

    What code changed before stays a change.
    """
    original = cls.build

    @functools.wraps(original)
    def build(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = _prints(self)
        result = original(self, *args, **kwargs)
        found = vars(self).get(_ATTRIBUTE)
        if isinstance(found, Arguments):
            made = {path: one for path, one in _prints(self).items() if before.get(path) != one}
            vars(self)[_ATTRIBUTE] = replace(found, prints={**found.prints, **made})
        return result

    cls.build = build


def _prints(thing: object) -> dict[str, str]:
    return prints(own_attributes(thing))


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
        given = unwatched(bound.kwargs), unwatched(bound.args[1:])
        return Arguments(cls, *given, _global_policy())
    named: dict[str, Any] = {}
    for name, value in list(bound.arguments.items())[1:]:
        keywords = signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD
        named.update(value if keywords else {name: value})
    return Arguments(cls, unwatched(named), (), _global_policy())


def _with_attributes(arguments: Arguments, thing: object) -> Arguments:
    own = own_attributes(thing)
    left = {name: own[name] for name in arguments.named if name in own}
    same = (name for name, value in left.items() if _same(value, arguments.named[name]))
    made = made_of(thing, arguments.named)
    return replace(arguments, kept=frozenset(same), left=left, prints=_prints(thing), made=made)


def _same(one: Any, other: Any) -> bool:
    """Whether two attributes are one, containers item by item."""
    sort = container(one)
    if sort is None or sort is not container(other) or len(one) != len(other):
        if type(one) is not type(other):
            return False
        if isinstance(one, np.ndarray):
            return bool(one.dtype == other.dtype and one.tobytes() == other.tobytes())
        return one is other or bool(type(one) in PLAIN and one == other)
    if sort is dict:
        return all(key in other and _same(one[key], other[key]) for key in one)
    if sort in (set, frozenset):
        return bool(one == other)
    return all(_same(*pair) for pair in zip(one, other, strict=True))


def _can_be_given(value: Any, before: Any) -> bool:
    """Whether it is an argument that is kept, rather than something made of one since."""
    import keras

    if isinstance(value, keras.Layer):
        return before is not None  # else build() made it
    if (sort := container(value)) is not None:
        return all(_can_be_given(one, ...) for one in (value.values() if sort is dict else value))
    given = (*PLAIN, np.generic, np.ndarray, type, FunctionType, functools.partial)
    return isinstance(value, given) or hasattr(value, "get_config")


def _global_policy() -> Any:
    import keras

    policy = keras.config.dtype_policy()
    return None if policy.name == "float32" else policy
