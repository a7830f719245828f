"""Where plain Keras keeps each value inside ``model.weights.h5``.

The layout is that of ``keras/src/saving/saving_lib.py`` (3.15.1): one group per object, named by
the attribute path with slashes; members of a container are named by class in snake case with a
counter; the values of an object lie under ``vars`` with the keys that its
`save_own_variables` uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from kport.model._keras import is_saveable, saveable_children, snake_name

__all__ = ["KerasOwner", "keras_owners", "own_values", "vars_path"]


@dataclass(frozen=True, slots=True)
class KerasOwner:
    """An object that plain Keras visits, with its path in the archive."""

    path: str
    thing: Any


def keras_owners(model: keras.Model) -> Iterator[KerasOwner]:
    """Yield every object of a model that has a place in the archive, each at its first path."""
    yield from _visit(model, "", set())


def _visit(thing: Any, path: str, seen: set[int]) -> Iterator[KerasOwner]:
    if id(thing) in seen:
        return
    seen.add(id(thing))
    yield KerasOwner(path, thing)
    for name, child in saveable_children(thing):
        below = f"{path}/{name}" if path else name
        if is_saveable(child):
            yield from _visit(child, below, seen)
        elif isinstance(child, (list, dict, tuple)):
            yield from _visit_container(child, below, seen, set())


def _visit_container(
    container: Any, path: str, seen: set[int], containers: set[int]
) -> Iterator[KerasOwner]:
    if id(container) in containers:
        return
    containers.add(id(container))
    counts: dict[str, int] = {}
    for child in container.values() if isinstance(container, dict) else container:
        if is_saveable(child):
            yield from _visit(child, f"{path}/{_counted(snake_name(child), counts)}", seen)
        elif isinstance(child, (list, dict, tuple)):
            below = f"{path}/{_counted('container', counts)}"
            yield from _visit_container(child, below, seen, containers)


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
    # A lookup whose vocabulary comes with the file has no weights to give before that.
    waiting = getattr(thing, "output_mode", "") == "tf_idf" and not hasattr(
        thing, "idf_weights_const"
    )
    if hasattr(thing, "save_own_variables") and not waiting:
        thing.save_own_variables(store)
    return store


def _overrides_saving(optimizer: keras.optimizers.Optimizer) -> bool:
    return type(optimizer).save_own_variables is not keras.optimizers.Optimizer.save_own_variables
