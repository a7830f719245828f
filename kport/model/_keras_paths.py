"""Where plain Keras keeps each value inside ``model.weights.h5``.

The layout is that of ``keras/src/saving/saving_lib.py`` (3.15.1): one group per object, named by
the attribute path with slashes; members of a container are named by class in snake case with a
counter; the values of an object lie under ``vars`` with the keys that its
`save_own_variables` uses. Keras 2 changed its mind about two things, see `KERAS_2`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import keras

from kport.model._keras_2_layers import keras_2_layers
from kport.model._keras_walk import is_saveable, saveable_children, snake_name

__all__ = ["KERAS_2", "KERAS_3", "KerasOwner", "Manner", "keras_owners", "own_values", "vars_path"]


_OURS = frozenset({"keras", "kport"})  # these look the same from both sides


@dataclass(frozen=True, slots=True)
class KerasOwner:
    """An object that plain Keras visits, with its path in the archive."""

    path: str
    thing: Any


@dataclass(frozen=True, slots=True)
class Manner:
    """How a version of Keras walks through a model.

    Arguments:
        backwards: Whether the attributes of classes that are not Keras's own come from z to a.
        counts_seen: Whether what has a path already counts in the names of a container.
        nested: Whether it looks into containers inside of containers, and takes the layers of a
            dict as they were put into it; or not, and by their keys, as Keras 2 does.
    """

    backwards: bool = False
    counts_seen: bool = True
    nested: bool = True


KERAS_3 = Manner()
KERAS_2 = (
    Manner(nested=False),
    Manner(nested=False, counts_seen=False),
    Manner(nested=False, counts_seen=False, backwards=True),
)
"""Of Keras 2.12 and 2.13, of 2.14, and of 2.15 and tf_keras (`_walk_trackable` and
`_save_container_state` of their ``saving/saving_lib.py``); files of weights name no version."""


def keras_owners(model: keras.Model, manner: Manner = KERAS_3) -> Iterator[KerasOwner]:
    """Yield every object of a model that has a place in the archive, each at its first path."""
    yield from _Walk(manner).visit(model, "")


class _Walk:
    def __init__(self, manner: Manner) -> None:
        self.manner = manner
        self.seen: set[int] = set()

    def visit(self, thing: Any, path: str) -> Iterator[KerasOwner]:
        if id(thing) in self.seen:
            return
        self.seen.add(id(thing))
        yield KerasOwner(path, thing)
        for name, child in self.children(thing):
            below = f"{path}/{name}" if path else name
            if is_saveable(child):
                yield from self.visit(child, below)
            elif isinstance(child, (list, dict, tuple)):
                yield from self.container(child, below, set())

    def children(self, thing: Any) -> Iterable[tuple[str, Any]]:
        found: Iterable[tuple[str, Any]] = saveable_children(thing)
        if self.manner.nested or type(thing).__module__.split(".")[0] in _OURS:
            return found
        if isinstance(thing, keras.Model):
            layers = keras_2_layers(thing)
            found = ((name, layers if name == "layers" else one) for name, one in found)
        if not self.manner.backwards:
            return found
        return sorted(found, key=lambda one: one[0], reverse=True)

    def container(self, container: Any, path: str, containers: set[int]) -> Iterator[KerasOwner]:
        if id(container) in containers:
            return
        containers.add(id(container))
        counts: dict[str, int] = {}
        for child in container.values() if isinstance(container, dict) else container:
            if is_saveable(child):
                if self.manner.counts_seen or id(child) not in self.seen:
                    yield from self.visit(child, f"{path}/{_counted(snake_name(child), counts)}")
            elif self.manner.nested and isinstance(child, (list, dict, tuple)):
                below = f"{path}/{_counted('container', counts)}"
                yield from self.container(child, below, containers)


def _counted(name: str, counts: dict[str, int]) -> str:
    count = counts[name] = counts.get(name, -1) + 1
    return f"{name}_{count}" if count else name


def vars_path(owner: KerasOwner, key: str) -> str:
    """Return the path of one value of an object inside ``model.weights.h5``."""
    return f"{owner.path}/vars/{key}" if owner.path else f"vars/{key}"


def own_values(thing: Any) -> dict[str, Any]:
    """Return what an object gives to the archive: key -> variable, or a value computed for it."""
    if isinstance(thing, keras.optimizers.Optimizer) and not _overrides_saving(thing):
        # Its own method would copy every slot to the host; the variables say the same.
        return {str(index): variable for index, variable in enumerate(thing.variables)}
    store: dict[str, Any] = {}
    # A lookup whose vocabulary comes with the file has no weights to give before that. Keras's
    # TextVectorization is one around another, which it asks for them.
    lookup = getattr(thing, "_lookup_layer", thing)
    of_words = getattr(lookup, "output_mode", "") == "tf_idf"
    waiting = of_words and not hasattr(lookup, "idf_weights_const")
    if hasattr(thing, "save_own_variables") and not waiting:
        thing.save_own_variables(store)
    return store


def _overrides_saving(optimizer: keras.optimizers.Optimizer) -> bool:
    return type(optimizer).save_own_variables is not keras.optimizers.Optimizer.save_own_variables
