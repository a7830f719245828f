"""What layers were made with of which nobody remembers it, found in their attributes.

`Model.__new__` (keras/src/models/model.py) hands on nothing of what it is given. So the config that
Keras makes of a subclass without `get_config` has the defaults of ``__init__``, whatever the model
was made with, and is an error where an argument has no default. Most classes keep their arguments
in attributes of the same names. A model is made of these, or else of the defaults, and thrown
away: where it has the same layers and functions, they are the arguments. So it is with layers that
were made before their class was registered with kport.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

import keras

from kport.checkpoint import JSON, digest
from kport.components import (
    OF_ANY_LAYER,
    arguments_of,
    container,
    own_attributes,
    presumed,
    tells_arguments,
    unwatched,
)
from kport.model._build_shapes import build_configs, build_layers
from kport.model._keras import is_graph, serializing
from kport.model._keras_constructors import (
    give_arguments,
    is_told_by_users,
    remembered_by_keras,
)
from kport.model._walk import Walk, is_of_compile, walk
from kport.model.changes import (
    Twins,
    functions_of,
    held_by_users,
    other_functions,
    told_config,
)

__all__ = ["Found", "find_arguments", "is_compiled_by_code", "is_forgotten", "with_arguments"]

_SIMPLE = (str, int, float, bool, type(None))  # what Keras remembers of other layers
Found = tuple[JSON | None, list[str]]
"""Arguments, None where the config is right; else what is another with the last ones tried."""
_Tried = tuple[int | None, list[str]]
_MOST = 1000  # models of one class that are remembered
_KNOWN: WeakKeyDictionary[type, dict[str, _Tried]] = WeakKeyDictionary()


def is_forgotten(layer: keras.Layer) -> bool:
    """Whether nobody remembers what a layer was made with that its config should tell."""
    cls: Any = type(layer)
    known = arguments_of(layer)
    if is_told_by_users(layer):
        return False
    if (known is not None and known.owner is cls) or not _tells_nothing(cls):
        return False
    late, model = tells_arguments(cls), isinstance(layer, keras.Model)
    if model and is_graph(layer) and not late:
        return _makes_its_graph(cls)
    return (model or late) and bool(_parameters(cls, inherited=True))


def _tells_nothing(cls: Any) -> bool:
    """Whether no `get_config` of a user's tells what objects of a class were made with."""
    return tells_arguments(cls) or cls.get_config.__module__.startswith("keras.")


def _makes_its_graph(cls: Any) -> bool:
    """Whether the constructor of a Sequential or functional class is given no layers or tensors."""
    if cls.__module__.startswith("keras.") or cls.__init__.__module__.startswith("keras."):
        return False
    parameters = inspect.signature(cls.__init__).parameters
    rows = any(one.kind is inspect.Parameter.VAR_POSITIONAL for one in parameters.values())
    return not rows and not parameters.keys() & {"inputs", "outputs", "layers"}


def with_arguments(
    layer: keras.Layer, arguments: JSON | None
) -> contextlib.AbstractContextManager[None]:
    """Let the config of a layer tell these arguments; None leaves it as it is."""
    if arguments is None:
        return contextlib.nullcontext()
    late = tells_arguments(type(layer))
    return presumed(layer, arguments) if late else give_arguments(layer, arguments)


def _parameters(cls: Any, inherited: bool = False) -> dict[str, Any]:
    """Return name and default of what a constructor takes, or hands on by its ``**kwargs``."""
    found: dict[str, Any] = {}
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    for base in [one for one in cls.__mro__ if "__init__" in vars(one)]:
        if base.__module__.startswith("keras."):
            break
        every = list(inspect.signature(base.__init__).parameters.values())[1:]
        for one in every:
            if one.kind in named and one.name not in OF_ANY_LAYER:
                found.setdefault(one.name, one.default)
        if not (inherited and every and every[-1].kind is inspect.Parameter.VAR_KEYWORD):
            break
    return found


def find_arguments(layer: keras.Layer) -> Found:
    """Find what a forgotten layer was made with, once in a process for all that are alike."""
    tries = list(_candidates(layer))
    found = walk(layer)
    looks = _layers(found), _functions(found)
    key = digest(repr([tries, looks]).encode())
    known = _KNOWN.setdefault(type(layer), {})
    if key not in known:
        if len(known) >= _MOST:
            known.clear()
        known[key] = _tried(layer, tries)
    index, others = known[key]
    return None if index is None else tries[index], others


def _tried(layer: keras.Layer, tries: list[JSON | None]) -> _Tried:
    """Return the place of the first arguments that make such a layer."""
    last: list[str] = []
    seen: set[str] = set()
    for index, arguments in enumerate(tries):
        text = repr(arguments)
        others = None if text in seen else _others(layer, arguments)
        seen.add(text)
        if others == []:
            return index, []
        last = others or last
    return None, last


def _candidates(layer: keras.Layer) -> Iterator[JSON | None]:
    """Yield arguments from the attributes, then those that Keras knows, where there are all.

    None stands for what Keras tells by itself.
    """
    held = own_attributes(layer)
    late = tells_arguments(type(layer))
    for inherited in (True, False):
        told = {**_parameters(type(layer), inherited), **remembered_by_keras(layer)}
        kept = {
            name: unwatched(held[place])
            for name in told
            for place in (f"_{name}", name)
            if place in held and (late or _is_simple(held[place]))
        }
        for arguments in ({**told, **kept}, told):
            if inspect.Parameter.empty not in arguments.values():
                yield arguments
    if is_graph(layer) and not late:
        yield None  # its config may list its layers


def _is_simple(value: Any) -> bool:
    sort = container(value)
    if sort in (list, tuple, dict):
        return all(map(_is_simple, value.values() if sort is dict else value))
    return type(value) in _SIMPLE


def _others(layer: keras.Layer, arguments: JSON | None) -> list[str] | None:
    """Return where a model made with these arguments is another; None if none can be made."""
    found = walk(layer)
    twins = Twins(found)
    with twins.unseen(type(layer)), contextlib.suppress(Exception):  # a user's
        with with_arguments(layer, arguments):
            twin = twins.another(layer, layer.get_config())
        with contextlib.suppress(Exception):  # as above; what is not built then is missing
            build_layers(twin, dict(build_configs(found)), {})
        made = walk(twin)
        ours, theirs = _layers(found), _layers(made)
        layers = [path for path in {*ours, *theirs} if ours.get(path) != theirs.get(path)]
        functions = [one.place for one in other_functions(made, _functions(found))]
        return sorted(layers + functions)
    return None


def is_compiled_by_code(model: keras.Model) -> bool:
    """Whether a model made of the config is compiled already; so it is where none can be made."""
    twins = Twins(walk(model))
    with twins.unseen(type(model)), contextlib.suppress(Exception):  # a user's
        return bool(twins.another(model, model.get_config()).compiled)
    return True


def _layers(found: Walk) -> dict[str, JSON | None]:
    with serializing(found.owners[0].thing):
        held = held_by_users(found)
        return {path: _look(one) for path, one in held if not is_of_compile(path)}


def _look(layer: keras.Layer) -> JSON | None:
    """Return the config of a layer; of one that forgets its own, what it holds says enough."""
    return {"class_name": type(layer).__name__} if is_forgotten(layer) else told_config(layer)


def _functions(found: Walk) -> dict[str, JSON]:
    return {path or ".": {"functions": one} for path, one in functions_of(found, ())}
