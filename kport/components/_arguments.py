"""Remember what a component was constructed with.

`@kport.register` wraps ``__init__`` of a class. The outermost registered constructor binds its
arguments and keeps them beside the object, as they were given.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Arguments", "arguments_of", "remember_arguments"]

_ATTRIBUTE = "_kport_arguments"


@dataclass(frozen=True, slots=True)
class Arguments:
    """What one object was constructed with.

    Arguments:
        owner: The class whose constructor it was.
        named: Every argument by name, defaults and ``**kwargs`` filled in.
        positional: What was given by place, where the constructor has ``*args``.
        policy: The name of the global dtype policy that parts made inside were built under.
    """

    owner: type
    named: Mapping[str, Any]
    positional: tuple[Any, ...] = field(default=())
    policy: Any = None


def arguments_of(thing: object) -> Arguments | None:
    """Return what an object was constructed with; None if its class is not registered."""
    found = getattr(thing, "__dict__", {}).get(_ATTRIBUTE)
    return found if isinstance(found, Arguments) else None


def remember_arguments(cls: type) -> None:
    """Wrap the constructor of a class so that its objects know their arguments."""
    original = cls.__init__  # type: ignore[misc]  # a class's own constructor is what is wrapped
    signature = inspect.signature(original)

    @functools.wraps(original)
    def construct(self: Any, *args: Any, **kwargs: Any) -> None:
        # Into __dict__, since Keras's __setattr__ tracks layers and refuses before __init__.
        if _ATTRIBUTE not in vars(self):
            vars(self)[_ATTRIBUTE] = _bound(cls, signature, self, args, kwargs)
        original(self, *args, **kwargs)

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
        return Arguments(cls, bound.kwargs, bound.args[1:], _global_policy())
    named: dict[str, Any] = {}
    for name, value in list(bound.arguments.items())[1:]:
        keywords = signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD
        named.update(value if keywords else {name: value})
    return Arguments(cls, named, (), _global_policy())


def _global_policy() -> Any:
    import keras

    policy = keras.config.dtype_policy()
    return None if policy.name == "float32" else policy
