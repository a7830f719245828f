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

__all__ = ["is_written", "unknown_names", "writes_later"]

_ROOTS = frozenset({"keras", "tensorflow", "torch"})
_CONSTRUCTORS = frozenset({"__init__", "__new__"})


@cache
def is_written(cls: type, name: str) -> bool:
    """Whether a method that Keras, or its backend, gave to a class writes an attribute."""
    return any(_stores(code, name) for code in _codes_of(cls, keras=True))


@cache
def writes_later(cls: type, name: str) -> bool:
    """Whether a method that a user gave to a class, and no constructor, writes an attribute."""
    return any(_stores(code, name) for code in _codes_of(cls, keras=False))


@cache
def unknown_names(cls: type, names: tuple[str, ...]) -> frozenset[str]:
    """Return those names of attributes that Keras writes nowhere in a class of its own."""
    every = [*_codes_of(cls, keras=True), *_codes_of(cls, keras=True, constructors=True)]
    return frozenset(name for name in names if not any(_stores(code, name) for code in every))


def _codes_of(cls: type, *, keras: bool, constructors: bool = False) -> Iterator[CodeType]:
    for base in cls.__mro__:
        if (base.__module__.partition(".")[0] in _ROOTS) is keras:
            for method in _methods(base, constructors):
                yield from _codes(method.__code__)


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


def _stores(code: CodeType, name: str) -> bool:
    return name in code.co_names and any(
        one.opname == "STORE_ATTR" and one.argval == name for one in dis.get_instructions(code)
    )
