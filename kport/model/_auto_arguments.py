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
import json
from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

import keras

from kport.checkpoint import JSON
from kport.components import (
    OF_ANY_LAYER,
    arguments_of,
    container,
    own_attributes,
    presumed,
    telling_compile,
    tells_arguments,
    unwatched,
)
from kport.errors import Problem, SaveError
from kport.model._build_shapes import build_configs, build_layers
from kport.model._keras import serializing
from kport.model._keras_constructors import give_arguments
from kport.model._walk import Walk, is_of_compile, walk
from kport.model.changes import (
    Twins,
    functions_of,
    held_by_users,
    other_functions,
    told_config,
)

__all__ = ["Remembered", "remembered_arguments"]

_SHOWN = 5  # differences in an error
_SIMPLE = (str, int, float, bool, type(None))  # what Keras remembers of other layers
_Found = tuple[JSON | None, list[str]]  # arguments, or what is another with the last ones tried
_KNOWN: WeakKeyDictionary[keras.Layer, tuple[str, _Found]] = WeakKeyDictionary()


class Remembered:
    """The arguments that were found, until they are forgotten again."""

    def __init__(self) -> None:
        self.compiles = contextlib.ExitStack()
        self._given: dict[int, contextlib.ExitStack] = {}
        self._unknown: dict[int, Problem] = {}

    def find(self, path: str, layer: keras.Layer) -> None:
        arguments, others = _known(layer)
        if others:
            shown = ", ".join(others[:_SHOWN])
            text = (
                f"a {type(layer).__name__} made of its attributes or defaults has another {shown}"
            )
            self._unknown[id(layer)] = Problem(path or ".", text, "lost")
        elif arguments is not None:
            self._given[id(layer)] = stack = contextlib.ExitStack()
            stack.enter_context(_given(layer, arguments))

    def only(self, told: set[int]) -> None:
        """Forget those that no config tells, which code makes again without remembering more.

        Raises:
            SaveError: It is not known what a model was made with that is told.
        """
        self.compiles.close()
        for one in self._given.keys() - told:
            self._given.pop(one).close()
        if problems := [one for key, one in self._unknown.items() if key in told]:
            raise SaveError(
                "nothing tells what these models were made with, or they were changed since",
                problems=problems,
                remedy="Keras does not remember it of a class that nobody registered. Set each "
                "argument as an attribute of its name (model.rate = 0.5), let a get_config tell "
                "it, or decorate the class with @kport.register before the model is made.",
            )


@contextlib.contextmanager
def remembered_arguments(found: Walk) -> Iterator[Remembered]:
    """Let the configs of such models tell what they were made with.

    Arguments:
        found: The whole model.
    """
    remembered = Remembered()
    try:
        for path, layer in reversed(list(found.layers())):  # which others may have been given
            if _is_forgotten(layer):
                remembered.find(path, layer)
            if isinstance(layer, keras.Model) and _compiles_itself(layer):
                remembered.compiles.enter_context(telling_compile(layer))
        yield remembered
    finally:
        remembered.only(set())


def _is_forgotten(layer: keras.Layer) -> bool:
    """Whether nobody remembers what a layer was made with that its config should tell."""
    if arguments_of(layer) is not None:
        return False
    by_keras = type(layer).get_config is keras.Layer.get_config and isinstance(layer, keras.Model)
    return (by_keras or tells_arguments(type(layer))) and bool(_parameters(type(layer)))


def _compiles_itself(model: keras.Model) -> bool:
    """Whether the class has a `compile` of its own, and no `compile_from_config` that knows it."""
    cls, base = type(model), keras.Model
    own = cls.compile is not base.compile and cls.compile_from_config is base.compile_from_config
    return own and bool(model.compiled)


def _given(layer: keras.Layer, arguments: JSON) -> contextlib.AbstractContextManager[None]:
    late = tells_arguments(type(layer))
    return presumed(layer, arguments) if late else give_arguments(layer, arguments)


def _parameters(cls: Any) -> list[inspect.Parameter]:
    every = list(inspect.signature(cls.__init__).parameters.values())[1:]
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [one for one in every if one.kind in named and one.name not in OF_ANY_LAYER]


def _known(layer: keras.Layer) -> _Found:
    """Find what a model was made with, once for as long as it stays as it is."""
    tries = list(_candidates(layer))
    found = walk(layer)
    looks = _layers(found), _functions(found)
    key = json.dumps([tries, looks], sort_keys=True, default=repr)
    before = _KNOWN.get(layer)
    if before is None or before[0] != key:
        _KNOWN[layer] = before = key, _found(layer, tries)
    return before[1]


def _found(layer: keras.Layer, tries: list[JSON]) -> _Found:
    last: list[str] = []
    for arguments in tries:
        others = _others(layer, arguments)
        if others == []:
            return arguments, []
        last = others or last
    return None, last


def _candidates(layer: keras.Layer) -> Iterator[JSON]:
    """Yield arguments from the attributes, then the defaults, where there is one for each."""
    held = own_attributes(layer)
    late = tells_arguments(type(layer))
    parameters = _parameters(type(layer))
    kept = {
        one.name: unwatched(held[name])
        for one in parameters
        for name in (f"_{one.name}", one.name)
        if name in held and (late or _is_simple(held[name]))
    }
    defaults = {one.name: one.default for one in parameters}
    for arguments in ({**defaults, **kept}, defaults) if kept else (defaults,):
        if inspect.Parameter.empty not in arguments.values():
            yield arguments


def _is_simple(value: Any) -> bool:
    sort = container(value)
    if sort in (list, tuple, dict):
        return all(map(_is_simple, value.values() if sort is dict else value))
    return type(value) in _SIMPLE


def _others(layer: keras.Layer, arguments: JSON) -> list[str] | None:
    """Return where a model made with these arguments is another; None if none can be made."""
    found = walk(layer)
    twins = Twins(found)
    with twins.unseen(type(layer)), contextlib.suppress(Exception):  # a user's
        with _given(layer, arguments):
            twin = twins.another(layer, layer.get_config())
        with contextlib.suppress(Exception):  # as above; what is not built then is missing
            build_layers(twin, dict(build_configs(found)), {})
        made = walk(twin)
        ours, theirs = _layers(found), _layers(made)
        layers = [path for path in {*ours, *theirs} if ours.get(path) != theirs.get(path)]
        functions = [one.place for one in other_functions(made, _functions(found))]
        return sorted(layers + functions)
    return None


def _layers(found: Walk) -> dict[str, JSON | None]:
    with serializing(found.owners[0].thing):
        held = held_by_users(found)
        return {path: _look(one) for path, one in held if not is_of_compile(path)}


def _look(layer: keras.Layer) -> JSON | None:
    """Return the config of a layer; of one that forgets its own, what it holds says enough."""
    return {"class_name": type(layer).__name__} if _is_forgotten(layer) else told_config(layer)


def _functions(found: Walk) -> dict[str, JSON]:
    return {path or ".": {"functions": one} for path, one in functions_of(found, ())}
