"""Which attributes code writes after the constructor: Keras's own, and that of users.

Nothing says so but that code: for each class it is asked whether a method stores to the name. What
only a constructor of Keras writes is not among them, since a config has the arguments of that.
"""

from __future__ import annotations

import dis
import inspect
from collections.abc import Iterator
from functools import cache
from types import CodeType, FunctionType
from typing import Any

__all__ = ["is_written", "stored_names", "unknown_names", "writes_later"]

_ROOTS = frozenset({"keras", "tensorflow", "torch"})
_CONSTRUCTORS = frozenset({"__init__", "__new__"})
_STORE, _WIDER = dis.opmap["STORE_ATTR"], dis.opmap["EXTENDED_ARG"]


def is_written(cls: type, name: str, *, constructors: bool = False) -> bool:
    """Whether a method that Keras, or its backend, gave to a class writes an attribute.

    Arguments:
        cls: The class.
        name: The attribute.
        constructors: Whether constructors count, too.
    """
    return any(
        name in _written(base, init)
        for base in cls.__mro__
        if _is_of_keras(base)
        for init in {False, constructors}
    )


def writes_later(cls: type, name: str) -> bool:
    """Whether a method that a user gave to a class, and no constructor, writes an attribute."""
    return any(name in _written(base, False) for base in cls.__mro__ if not _is_of_keras(base))


@cache
def unknown_names(cls: type, names: tuple[str, ...]) -> frozenset[str]:
    """Return those names of attributes that Keras writes nowhere in a class of its own."""
    known = (_written(base, init) for base in cls.__mro__ for init in (False, True))
    return frozenset(names).difference(*known)


def _is_of_keras(cls: type) -> bool:
    return cls.__module__.partition(".")[0] in _ROOTS


@cache
def _written(cls: Any, constructors: bool) -> frozenset[str]:
    """The attributes that the methods of one class store to."""
    methods = _methods(cls, constructors)
    codes = (code for method in methods for code in _codes(method.__code__))
    return frozenset(name for code in codes for name in stored_names(code))


def _methods(cls: type, constructors: bool) -> Iterator[FunctionType]:
    for name, found in vars(cls).items():
        both = [found.fset, found.fdel] if isinstance(found, property) else [found]
        for one in both if (name in _CONSTRUCTORS) is constructors else ():
            function: Any = inspect.unwrap(getattr(one, "__func__", one)) if one else None
            if isinstance(function, FunctionType):
                yield function


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


def stored_names(code: CodeType) -> Iterator[str]:
    """Yield the attributes that one piece of code stores to.

    `dis` says it too, in forty times the time.
    """
    wide = 0
    for operation, argument in zip(code.co_code[::2], code.co_code[1::2], strict=True):
        if operation == _STORE:
            yield code.co_names[wide | argument]
        wide = (wide | argument) << 8 if operation == _WIDER else 0
