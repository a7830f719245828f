"""Import what a user names: the modules whose components a file may need."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

from kport.components import kind_of
from kport.errors import UsageError

__all__ = ["import_components"]


def import_components(names: Iterable[str]) -> dict[str, Any]:
    """Import the user's modules, and return those of their classes that are not registered.

    Modules are looked for where the user stands, too. What a module registers, any file may name
    from then on; what is returned is for `custom_objects`. A function is among it only where the
    user names it, since a file says which of them is called.

    Arguments:
        names: Each ``package.module`` or ``package.module:function``.

    Raises:
        UsageError: One of them cannot be imported, or two have other classes of one name.

    Example:
        >>> import_components(["acme.layers", "acme.losses:dice"])
        {'Block': <class 'acme.layers.Block'>, 'dice': <function dice at 0x...>}
    """
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # as `python -m` has it; the script `kport` has not
    found: dict[str, Any] = {}
    for one in names:
        for name, thing in _components(one):
            if found.setdefault(name, thing) is not thing:
                raise UsageError(
                    f"{one} has another {name!r} than a module named before",
                    remedy="Decorate them with @kport.register('your_package').",
                )
    return found


def _components(given: str) -> Iterator[tuple[str, Any]]:
    place, _, name = given.partition(":")
    module = _imported(place)
    if not name:
        yield from _unregistered(module)
    elif callable(thing := getattr(module, name, None)):
        yield name, thing
    else:
        raise UsageError(f"the module {place!r} has no function {name!r}")


def _imported(name: str) -> ModuleType:
    try:
        return import_module(name)
    except Exception as error:  # a user's module can raise anything
        raise UsageError(
            f"cannot import module {name!r}: {type(error).__name__}: {error}",
            remedy="--import takes a module's dotted name, as the statement import does.",
        ) from error


def _unregistered(module: ModuleType) -> Iterator[tuple[str, type]]:
    if "keras" not in sys.modules:
        return  # then it has no class that a model is made of
    import keras

    for thing in vars(module).values():
        if (
            isinstance(thing, type)
            and not thing.__module__.startswith("keras.")
            and kind_of(thing)
            and keras.saving.get_registered_name(thing) == thing.__name__
        ):
            yield thing.__name__, thing
