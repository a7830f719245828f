"""What the configs of a model tell of arguments that nobody remembers, while it is captured."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keras

from kport.checkpoint import JSON
from kport.components import presumed_compile, telling_compile
from kport.errors import Problem, SaveError
from kport.model._auto_arguments import (
    find_arguments,
    is_compiled_by_code,
    is_forgotten,
    with_arguments,
)
from kport.model._keras import without_tensorflow
from kport.model._training import is_own
from kport.model._walk import Walk

__all__ = ["Remembered", "remembered_arguments"]

_SHOWN = 5  # differences in an error


class Remembered:
    """The arguments that were found, until they are forgotten again."""

    def __init__(self) -> None:
        self.compiles = contextlib.ExitStack()
        self._found: list[tuple[keras.Layer, JSON]] = []
        self._given: dict[int, contextlib.ExitStack] = {}
        self._unknown: dict[int, Problem] = {}
        self._uncompiled: dict[int, Problem] = {}

    def find(self, path: str, layer: keras.Layer) -> None:
        arguments, others = find_arguments(layer)
        if others:
            shown = ", ".join(others[:_SHOWN])
            text = (
                f"a {type(layer).__name__} made of its attributes or defaults has another {shown}"
            )
            self._unknown[id(layer)] = Problem(path or ".", text, "lost")
        elif arguments is not None:
            self._found.append((layer, arguments))
            self._given[id(layer)] = stack = contextlib.ExitStack()
            stack.enter_context(with_arguments(layer, arguments))

    def find_compiled(self, path: str, model: keras.Model) -> None:
        """Find what a `compile` of its own was given; one that `__init__` calls is called again."""
        given = presumed_compile(model)
        if given is not None:
            self.compiles.enter_context(telling_compile(model, given))
        elif not is_compiled_by_code(model):
            text = f"no attributes of {type(model).__name__} tell what its compile() was given"
            self._uncompiled[id(model)] = Problem(path or ".", text, "lost")

    @contextlib.contextmanager
    def all(self) -> Iterator[None]:
        """Remember those that `only` has forgotten, too, for configs of their own."""
        with contextlib.ExitStack() as stack:
            for layer, arguments in self._found:
                if id(layer) not in self._given:
                    stack.enter_context(with_arguments(layer, arguments))
            yield

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
        if problems := [one for key, one in self._uncompiled.items() if key in told]:
            raise SaveError(
                "a loaded model could not be compiled again",
                problems=problems,
                remedy="Set each argument as an attribute of its name, decorate the class with "
                "@kport.register before compile() is called, or save with optimizer=False.",
            )


@contextlib.contextmanager
def remembered_arguments(found: Walk, training: bool) -> Iterator[Remembered]:
    """Let the configs of such models tell what they were made with.

    Arguments:
        found: The whole model.
        training: Whether they tell what `compile` was given, too.
    """
    remembered = Remembered()
    try:
        with without_tensorflow():
            for path, layer in reversed(list(found.layers())):  # which others may have been given
                if is_forgotten(layer):
                    remembered.find(path, layer)
                if training and isinstance(layer, keras.Model) and _compiles_itself(layer):
                    remembered.find_compiled(path, layer)
        yield remembered
    finally:
        remembered.only(set())


def _compiles_itself(model: keras.Model) -> bool:
    """Whether the class has a `compile` of its own, and no `compile_from_config` that knows it."""
    told = is_own(model, "compile_from_config") or "get_compile_config" in vars(model)
    return is_own(model, "compile") and not told and bool(model.compiled)
