"""Name the variables of an object graph by the attributes that lead to them.

The first of several paths is the shortest, as in TensorFlow's own keys; a path through an object's
own attributes comes before one through the lists that Keras keeps beside them.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from kport.checkpoint import Kind, join_name
from kport.errors import CorruptFileError
from kport_compat.tensorbundle import Tracked
from kport_compat.tfcheckpoint._names import Named, Value, kind_of

__all__ = ["named_objects", "optimizer_of"]

# Children that lead to what attributes lead to as well; the later, the less they say.
_OWN, _NUMBERED, _LISTED, _OPTIMIZER = range(4)
_BOOKS = frozenset(
    {
        "_functional",
        "_layers",
        "_metrics",
        "_non_trainable_variables",
        "_operations",
        "_trainable_variables",
        "_tracker",
        "keras_api",
        "layers",
        "non_trainable_variables",
        "signatures",
        "trainable_variables",
        "variables",
    }
)
_METRICS = frozenset(
    {"metrics", "_metrics", "_compile_metrics", "compiled_metrics", "_loss_tracker"}
)
_COUNTERS = frozenset({"iter", "_iterations", "iterations"})
_RATES = frozenset({"learning_rate", "_learning_rate", "_variables", "decay", "lr"})
_MAX_DEPTH = 200
_MAX_TEXT = 300_000_000  # bytes of all paths


class _Step(NamedTuple):
    """An edge to follow; the least comes first."""

    rank: int
    depth: int
    turn: int
    number: int
    path: tuple[str, ...]
    kind: Kind | None


@dataclass(slots=True)
class _Walk:
    objects: Sequence[Tracked]
    paths: dict[int, tuple[str, ...]] = field(default_factory=dict)
    kinds: dict[int, Kind | None] = field(default_factory=dict)
    second: list[tuple[tuple[str, ...], int]] = field(default_factory=list)
    size: int = 0

    def run(self) -> None:
        waiting = [_Step(_OWN, 0, 0, 0, (), None)]
        turn = 0
        while waiting:
            step = heapq.heappop(waiting)
            if step.number in self.paths:
                self.second.append((step.path, step.number))
                continue
            self.paths[step.number] = step.path
            self.kinds[step.number] = step.kind
            for name, child in self.objects[step.number].children.items():
                turn += 1
                heapq.heappush(waiting, self._step(step, turn, name, child))

    def _step(self, above: _Step, turn: int, name: str, child: int) -> _Step:
        self.size += sum(map(len, above.path)) + len(name) + 8 * above.depth
        if above.depth == _MAX_DEPTH or self.size > _MAX_TEXT:
            raise CorruptFileError("has an object graph that is nested beyond reason")
        rank, kind = max(above.rank, _rank(name)), above.kind
        if _is_optimizer(self.objects[child]):
            rank, kind = _OPTIMIZER, Kind.OPTIMIZER
        elif name in _METRICS and (above.path[-1:] == ("keras_api",) or name != "metrics"):
            rank, kind = max(rank, _LISTED), Kind.METRIC
        return _Step(rank, above.depth + 1, turn, child, (*above.path, name), kind)


def named_objects(objects: Sequence[Tracked]) -> Named:
    """Return every variable that can be reached from the root.

    Raises:
        CorruptFileError: The graph is nested beyond reason.
    """
    walk = _Walk(objects)
    walk.run()
    values = [*_variables(walk), *_slots(walk)]
    held = {
        path[:end]
        for number, path in walk.paths.items()
        if objects[number].key is not None
        for end in range(1, len(path) + 1)
    }
    ties = {
        join_name(*path): join_name(*walk.paths[number])
        for path, number in walk.second
        if walk.paths[number] in held
    }
    names = {one.name for one in values}
    return Named(tuple(values), {new: old for new, old in ties.items() if new not in names})


def optimizer_of(objects: Sequence[Tracked]) -> int | None:
    """Return the optimizer of the root or of what the root holds; None unless there is just one.

    ``Model.save_weights`` writes it as a child of the model, ``tf.train.Checkpoint(model=...,
    optimizer=...)`` beside it.
    """
    root = set(objects[0].children.values()) if objects else set()
    below = {child for number in root for child in objects[number].children.values()}
    found = [number for number in root | below if _is_optimizer(objects[number])]
    return found[0] if len(found) == 1 else None


def _variables(walk: _Walk) -> Iterator[Value]:
    for number, path in walk.paths.items():
        one = walk.objects[number]
        if one.key is not None:
            kind = walk.kinds[number] or kind_of(path)
            yield Value(join_name(*path) or "root", one.key, kind, one.full_name or None)


def _slots(walk: _Walk) -> Iterator[Value]:
    """Yield the slots of the optimizers of Keras until 2.10, which are no children."""
    named: set[str] = set()
    for number, path in walk.paths.items():
        for original, slot, variable in walk.objects[number].slots:
            key = walk.objects[variable].key
            if key is None or original not in walk.paths or variable in walk.paths:
                continue
            name = join_name(*path, slot, *walk.paths[original])
            if name not in named:
                named.add(name)
                full_name = walk.objects[variable].full_name or None
                yield Value(name, key, Kind.OPTIMIZER, full_name)


def _rank(name: str) -> int:
    if name in _BOOKS:
        return _LISTED
    return _NUMBERED if name.startswith("layer-") else _OWN


def _is_optimizer(one: Tracked) -> bool:
    children = one.children.keys()
    counted = not _COUNTERS.isdisjoint(children) and not _RATES.isdisjoint(children)
    return bool(one.slots) or counted or {"loss_scale", "base_optimizer"} <= children
