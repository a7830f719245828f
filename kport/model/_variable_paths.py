"""Pair the tensors of a file with variables by the paths that Keras gives to variables.

A path is made of the names of the layers around a variable, as far as those were being called when
it was made: a model built of a config has other ones than the code that wrote the file. So a path
fits a variable when its segments are names of layers around it, in order, the last ones its own.
Where Keras numbered the layers of a process (``dense_7``), numbers are counted anew among siblings,
if everything in the file has its place then. A tensor that fits several variables is an error,
unless all but one of them are taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import keras

from kport.checkpoint import Checkpoint, Kind, LazyTensor, join_name, snake_case, split_name
from kport.errors import Problem
from kport.model._plan import WEIGHTS, Pair, Plan
from kport.model._walk import Owner, Walk

__all__ = ["by_variable_path"]

Path = tuple[str, ...]
_NUMBERED = re.compile(r"(.+?)(?:_(\d{1,9}))?")


def by_variable_path(checkpoint: Checkpoint, model: keras.Model, found: Walk) -> Plan:
    """Return the plan of a Checkpoint whose tensors go by `keras.Variable.path`."""
    plan = Plan()
    fits = _weights(checkpoint.of_kind(*WEIGHTS), found, plan)
    fits |= _seeds(checkpoint.of_kind(Kind.SEED).values(), found)
    fits |= _slots(checkpoint.of_kind(Kind.OPTIMIZER).values(), found, fits)
    plan.pairs += [Pair(name, one, found.variables[name]) for name, one in fits.items()]
    placed = {one.name for one in fits.values()} | {one.place for one in plan.problems}
    rest = [one for name, one in checkpoint.tensors.items() if name not in placed]
    plan.unplaced(rest, (*WEIGHTS, Kind.OPTIMIZER))
    return plan


def _weights(tensors: Mapping[str, LazyTensor], found: Walk, plan: Plan) -> dict[str, LazyTensor]:
    """Return name of a variable -> tensor."""
    renamed = {n: one for n, one in tensors.items() if _is_renamed(one) and n in found.variables}
    theirs = {n: _path(one) for n, one in tensors.items() if n not in renamed}
    ours = {
        name: (*(owner.thing.name for owner in _owners(name, found)), variable.name)
        for name, variable in found.variables.items()
        if found.kinds[name] in WEIGHTS and name not in renamed
    }
    fits = _fitted(theirs, ours)
    if not _is_whole(fits, theirs):
        stems = {snake_case(type(owner.thing).__name__) for owner in found.owners}
        again = _fitted(_renumbered(theirs, stems), _renumbered(ours, stems))
        # Of half a model, numbers say nothing: only what fits with them and without does fit.
        same = {one: names for one, names in fits.items() if again.get(one) == names}
        fits = again if _is_whole(again, theirs) else same
    for tensor, names in fits.items():
        if len(names) > 1:
            text = f"fits {', '.join(names[:5])}, by its path {tensors[tensor].keras_path}"
            plan.problems.append(Problem(tensor, text))
    return renamed | {names[0]: tensors[one] for one, names in fits.items() if len(names) == 1}


def _is_whole(fits: Mapping[str, list[str]], theirs: Mapping[str, Path]) -> bool:
    return len(fits) == len(theirs) and all(len(names) == 1 for names in fits.values())


def _is_renamed(tensor: LazyTensor) -> bool:
    return tensor.name != join_name(*_path(tensor))


def _path(tensor: LazyTensor) -> Path:
    return tuple((tensor.keras_path or "").split("/"))


def _owners(name: str, found: Walk) -> list[Owner]:
    """Return the layers around a variable, the model itself first."""
    segments = split_name(name)
    paths = {join_name(*segments[:end]) for end in range(1, len(segments))} | {""}
    around = (owner for owner in found.owners if owner.path in paths)  # parents before parts
    return [owner for owner in around if isinstance(owner.thing, keras.Layer)]


def _fitted(theirs: Mapping[str, Path], ours: Mapping[str, Path]) -> dict[str, list[str]]:
    """Return tensor -> the variables that it fits; those that fit one first take it from others."""
    by_end: dict[Path, list[str]] = {}
    for name, path in ours.items():
        by_end.setdefault(path[-2:], []).append(name)
    fits = {
        tensor: [name for name in by_end.get(path[-2:], ()) if _is_part(path, ours[name])]
        for tensor, path in theirs.items()
    }
    taken: set[str] = set()
    for tensor in sorted(fits, key=lambda one: -len(theirs[one])):
        fits[tensor] = [name for name in fits[tensor] if name not in taken]
        taken.update(fits[tensor] if len(fits[tensor]) == 1 else ())
    return {
        tensor: left
        for tensor, names in fits.items()
        if (left := names if len(names) == 1 else [one for one in names if one not in taken])
    }


def _is_part(path: Sequence[str], whole: Sequence[str]) -> bool:
    rest = iter(whole)
    return all(segment in rest for segment in path)


def _renumbered(paths: Mapping[str, Path], stems: set[str]) -> dict[str, Path]:
    """Return the paths with made-up numbers counted from 0 among siblings of one stem."""
    families: dict[tuple[Path, str], dict[str, int]] = {}
    for path in paths.values():
        for depth, segment in enumerate(path[:-1]):
            stem, number = _stem(segment)
            if stem in stems:
                families.setdefault((path[:depth], stem), {})[segment] = number
    new = {
        (*parent, segment): f"{stem}_{count}"
        for (parent, stem), family in families.items()
        for count, segment in enumerate(sorted(family, key=family.__getitem__))
    }
    return {
        name: tuple(new.get(path[: depth + 1], one) for depth, one in enumerate(path))
        for name, path in paths.items()
    }


def _stem(segment: str) -> tuple[str, int]:
    found = _NUMBERED.fullmatch(segment)
    return (segment, -1) if found is None else (found[1], int(found[2] or -1))


def _seeds(tensors: Iterable[LazyTensor], found: Walk) -> dict[str, LazyTensor]:
    """Pair seed generators, whose names are but numbers, in the order in which they were made.

    A layer's own code makes them in one order always. The layers of a graph are made anew in the
    order of the graph; in which one they were made before is told by their names if Keras numbered
    them and they are of one class. Otherwise nothing is paired.
    """
    theirs = sorted(tensors, key=lambda one: _numbers(_path(one)))
    ours = [name for name in found.variables if found.kinds[name] is Kind.SEED]
    order = {name: _order(name, found) for name in ours}
    ours.sort(key=order.__getitem__)
    if len(ours) != len(theirs) or not all(
        _is_told(order[one], order[other]) for one, other in pairwise(ours)
    ):
        return {}
    return dict(zip(ours, theirs, strict=True))


def _order(name: str, found: Walk) -> list[tuple[str, list[int]]]:
    around = [owner for owner in _owners(name, found) if owner.in_graph]
    layers = [(_stem(one.thing.name)[0], [_stem(one.thing.name)[1]]) for one in around]
    return [*layers, ("", _numbers(found.variables[name].path.split("/")))]


def _is_told(one: list[tuple[str, list[int]]], other: list[tuple[str, list[int]]]) -> bool:
    differing = next((pair for pair in zip(one, other, strict=False) if pair[0] != pair[1]), None)
    return differing is not None and differing[0][0] == differing[1][0]


def _numbers(path: Sequence[str]) -> list[int]:
    return [_stem(segment)[1] for segment in reversed(path)]


def _slots(
    tensors: Iterable[LazyTensor], found: Walk, weights: Mapping[str, LazyTensor]
) -> dict[str, LazyTensor]:
    """Pair what optimizers keep: ``adam/dense_kernel_momentum`` is of the weight dense/kernel."""
    by_path = {one.keras_path: one for one in tensors}
    fits = {}
    for name in found.variables:
        if found.kinds[name] is Kind.OPTIMIZER:
            path = _slot_path(name, found, weights)
            if path in by_path:
                fits[name] = by_path[path]
    return fits


def _slot_path(name: str, found: Walk, weights: Mapping[str, LazyTensor]) -> str:
    optimizer, _, slot = found.variables[name].path.rpartition("/")
    segments = split_name(name)
    for start in range(1, len(segments)):
        owner = join_name(*segments[start:])
        if owner in weights:
            ours, theirs = found.variables[owner].path, weights[owner].keras_path or ""
            if slot.startswith(f"{_flat(ours)}_"):
                return f"{optimizer}/{_flat(theirs)}{slot[len(ours) :]}"
    return f"{optimizer}/{slot}"


def _flat(path: str) -> str:
    return path.replace("/", "_")  # as `Optimizer.add_variable_from_reference` names slots
