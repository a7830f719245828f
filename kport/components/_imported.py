"""What the running program has beside registered components: scopes, and classes it imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kport.components._kinds import bases

__all__ = ["in_scope", "unregistered"]


def in_scope(custom_objects: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return these custom objects and those of a ``keras.saving.custom_object_scope`` around.

    A scope inside another one hides it (`CustomObjectScope.__enter__` of
    keras/src/saving/object_registration.py), so what opens one needs both.
    """
    import keras

    with keras.saving.custom_object_scope({}) as scope:
        return {**scope.backup, **(custom_objects or {})}


def unregistered(name: str) -> str:
    """Return where the running program has a class of that name, as ``module.Class``, or "".

    A class of the script that runs is ``Class``. It is for an error to tell: a file may not pick a
    class that nobody has given to it.
    """
    roots = [root for several in bases().values() for root in several]
    for root in roots:
        for cls in _below(root):
            if cls.__qualname__ == name and not cls.__module__.startswith("keras."):
                return name if cls.__module__ == "__main__" else f"{cls.__module__}.{name}"
    return ""


def _below(cls: type) -> Iterator[type]:
    subclasses: list[type] = cls.__subclasses__()
    for one in subclasses:
        yield one
        yield from _below(one)
