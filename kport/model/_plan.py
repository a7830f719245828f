"""What an assignment will do, before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import keras

from kport.checkpoint import FLOATS, Kind, LazyTensor, ReportLine
from kport.errors import Problem
from kport.model._keras_paths import own_values
from kport.model._walk import Walk

__all__ = ["WEIGHTS", "Pair", "Plan"]

WEIGHTS = (Kind.PARAMETER, Kind.STATE)


@dataclass(frozen=True, slots=True)
class Pair:
    """A tensor of the file and the variable it goes into, under the variable's name.

    Arguments:
        name: The name of the variable.
        tensor: The values, converted already where the user asked for that.
        variable: Where they go.
        stored_dtype: The dtype in the file, where it was converted.
    """

    name: str
    tensor: LazyTensor
    variable: keras.Variable
    stored_dtype: str | None = None

    def rounded(self, only: str | None = None) -> Pair:
        """Return the same with values of the variable's dtype, where both are floating-point.

        Arguments:
            only: The dtype that a variable must have for it; None for any.
        """
        stored, wanted = self.tensor.dtype, self.variable.dtype
        if stored == wanted or only not in (None, wanted) or not {stored, wanted} <= FLOATS:
            return self
        return replace(self, tensor=self.tensor.as_dtype(wanted), stored_dtype=stored)


@dataclass(slots=True)
class Plan:
    """What an assignment will do, before anything is written.

    Arguments:
        pairs: Every value that has a place.
        hooks: Objects whose own `load_own_variables` wants to see their values.
        problems: Weights without a partner on the other side.
        lines: What else became of things.
        by_keras_2: Whether the paths of the file are such as only Keras 2 makes.
    """

    pairs: list[Pair] = field(default_factory=list)
    hooks: list[tuple[Any, dict[str, LazyTensor]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    lines: list[ReportLine] = field(default_factory=list)
    by_keras_2: bool = False

    def unplaced(self, tensors: Iterable[LazyTensor], kinds: Iterable[Kind] = WEIGHTS) -> None:
        """Note tensors of the file that no variable wants; a problem for those of some kinds."""
        for tensor in tensors:
            if tensor.kind in kinds:
                text = f"{tensor.dtype}{list(tensor.shape)} is in the file and not in the model"
                if tensor.kind in (Kind.OPTIMIZER, Kind.METRIC):
                    text += " (compile=False leaves the training out)"
                self.problems.append(Problem(tensor.name, text, "unexpected"))
            elif tensor.kind is not Kind.DERIVED:
                self.lines.append(ReportLine("dropped", tensor.name, "the model has no such state"))

    def fitting(self) -> int:
        """Count the values that go where they fit."""
        pairs = (one.tensor.shape == tuple(one.variable.shape) for one in self.pairs)
        return sum(pairs) + sum(map(_fits, self.hooks))

    def places(self) -> set[tuple[str, int]]:
        """Return each tensor with the id of what it goes to."""
        pairs = {(one.tensor.name, id(one.variable)) for one in self.pairs}
        hooks = {(one.name, id(thing)) for thing, store in self.hooks for one in store.values()}
        return pairs | hooks

    def filled(self) -> Iterator[keras.Variable]:
        """Yield every variable that gets its value from the file, also those a hook assigns."""
        for pair in self.pairs:
            yield pair.variable
        for thing, _ in self.hooks:
            for value in own_values(thing).values():
                if isinstance(value, keras.Variable):
                    yield value

    def narrow(self, inside: Walk, found: Walk) -> set[int]:
        """Keep what concerns one layer of the model, and return the ids of the other variables."""
        ids = set(inside.names())
        things = {id(owner.thing) for owner in inside.owners}
        names = {name for name, one in found.variables.items() if id(one) in ids}
        self.pairs = [pair for pair in self.pairs if id(pair.variable) in ids]
        self.hooks = [hook for hook in self.hooks if id(hook[0]) in things]
        self.problems = [problem for problem in self.problems if problem.place in names]
        self.lines = [line for line in self.lines if line.name in names]
        return set(found.names()) - ids

    def unfilled(self, found: Walk, required: Iterable[keras.Variable] | None) -> None:
        """Note variables of the model that the file says nothing about.

        Arguments:
            found: The model's variables.
            required: Those whose absence is a problem; default all parameters and states.
        """
        done = {id(variable) for variable in self.filled()}
        wanted = None if required is None else {id(variable) for variable in required}
        for name, variable in found.variables.items():
            if id(variable) in done:
                continue
            if found.kinds[name] in WEIGHTS and (wanted is None or id(variable) in wanted):
                text = f"{variable.dtype}{list(variable.shape)} is in the model, not in the file"
                self.problems.append(Problem(name, text, "missing"))
            else:
                self.lines.append(ReportLine("supplied", name, "not in the file"))


def _fits(hook: tuple[Any, dict[str, LazyTensor]]) -> bool:
    thing, store = hook
    shapes = {key: tuple(value.shape) for key, value in own_values(thing).items()}
    return {key: one.shape for key, one in store.items()} == shapes
