"""One model out of a model of several: taken out as a Checkpoint of its own, and put back."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from kport.checkpoint._checkpoint import Asset, Checkpoint, Naming
from kport.checkpoint._part_config import with_part_config
from kport.checkpoint._part_inputs import require_same_inputs
from kport.checkpoint._report import Note
from kport.checkpoint._spec import JSON, ModelSpec
from kport.checkpoint._tensor import Kind, LazyTensor
from kport.errors import MismatchError, Problem, UsageError

__all__ = ["around_part", "joined", "model_around", "part_of", "split_off", "with_part"]

T = TypeVar("T")
_INSIDE = (Kind.PARAMETER, Kind.STATE, Kind.SEED)


def part_of(checkpoint: Checkpoint, path: str) -> Checkpoint:
    """Return the part of a Checkpoint that belongs to one model inside it.

    No value is read; the tensors left out stay unread, and so do optimizer and metrics.

    Arguments:
        checkpoint: A Checkpoint with attribute paths.
        path: The attribute path of the inner model; slashes count as dots.

    Raises:
        UsageError: There is no such model inside; those there are are named.
    """
    path = _known(checkpoint.spec, path)
    spec = checkpoint.spec
    tensors = {
        name: replace(tensor.renamed(name), keras_path=None)
        for name, tensor in _below(path, checkpoint.of_kind(*_INSIDE)).items()
    }
    # A tensor that the part shares with what lies outside of it is kept under the outer name.
    for second, first in _below(path, spec.ties).items():
        if not first.startswith(f"{path}.") and first in checkpoint.tensors:
            tensor = checkpoint.tensors[first].renamed(second)
            tensors[second] = replace(tensor, keras_path=None)
    return replace(
        checkpoint,
        spec=_inner_spec(spec, path),
        tensors=dict(sorted(tensors.items())),
        assets={
            name: replace(asset, name=name)
            for name, asset in _below(path, checkpoint.assets).items()
        },
        sample=None,
        notes=(),
    )


def around_part(checkpoint: Checkpoint, path: str) -> tuple[Checkpoint, str]:
    """Return the smallest model around a layer that can be loaded alone, and the path in that.

    Arguments:
        checkpoint: A Checkpoint.
        path: The attribute path of a model or layer; slashes count as dots.
    """
    path = path.replace("/", ".")
    model = model_around(checkpoint.spec.parts, path)
    inside = path.removeprefix(model).removeprefix(".")
    return part_of(checkpoint, model) if model else checkpoint, inside


def model_around(models: Iterable[str], path: str) -> str:
    """Return the longest path of a model that a layer lies in, or is; the whole has the empty one.

    Example:
        >>> model_around(["towers", "towers.text"], "towers.text.dense")
        'towers.text'
    """
    return max((name for name in models if f"{path}.".startswith(f"{name}.")), key=len, default="")


def split_off(checkpoint: Checkpoint, paths: Iterable[str]) -> dict[str, Checkpoint]:
    """Return path -> Checkpoint for each part, and what is left of the whole under ``""``.

    The rest keeps the whole definition; `joined` makes the whole of it again.

    Raises:
        UsageError: A path is no model inside, or lies in another one of them.
    """
    chosen = sorted({_known(checkpoint.spec, path) for path in paths})
    for outer in chosen:
        for inner in chosen:
            if inner.startswith(f"{outer}."):
                raise UsageError(f"split: {inner!r} is inside {outer!r}; give one of the two")
    parts = {path: part_of(checkpoint, path) for path in chosen}
    return {"": _without(checkpoint, chosen), **parts}


def joined(rest: Checkpoint, parts: Mapping[str, Checkpoint]) -> Checkpoint:
    """Return the whole of which `split_off` gave the rest and the parts."""
    tensors, assets = dict(rest.tensors), dict(rest.assets)
    for path, part in parts.items():
        tensors |= {
            name: one for name, one in _tensors_in(path, part) if name not in rest.spec.ties
        }
        assets |= _assets_in(path, part)
    # A variable that two parts share is kept in each of them, and once in the whole.
    return replace(rest, tensors=dict(sorted(tensors.items())), assets=dict(sorted(assets.items())))


def with_part(checkpoint: Checkpoint, path: str, part: Checkpoint) -> Checkpoint:
    """Return the Checkpoint with another model in the place of one of its parts.

    Weights, states, seeds, assets, frozen flags and the definition are those of the new part; its
    optimizer and metrics stay behind, and nothing outside of the part changes. Only the slots of
    the whole's optimizer go, where they belong to parameters that the new part has not.

    Arguments:
        checkpoint: The whole.
        path: The attribute path of the part in it.
        part: A Checkpoint with attribute paths.

    Raises:
        UsageError: There is no such part, or it cannot stand there.
        MismatchError: It has other values for a variable that the part shares with the rest.
    """
    path = _known(checkpoint.spec, path)
    if part.naming is not Naming.ATTRIBUTE:
        raise UsageError(f"the new part {path!r} names its tensors by {part.naming.value}")
    require_same_inputs(path, checkpoint.spec.parts[path].get("signature"), part.spec)
    _require_same_shared_values(checkpoint, path, part)
    spec = _spec_with(checkpoint.spec, path, part.spec)
    rest = replace(_without(checkpoint, [path]), spec=spec, sample=None)
    whole = joined(rest, {path: part})
    return whole if _same_shapes(whole, checkpoint) else _without_slots(whole)


def _same_shapes(one: Checkpoint, other: Checkpoint) -> bool:
    first, second = (
        {name: tensor.shape for name, tensor in each.of_kind(Kind.PARAMETER).items()}
        for each in (one, other)
    )
    return first == second


def _without_slots(whole: Checkpoint) -> Checkpoint:
    slots = whole.of_kind(Kind.OPTIMIZER)
    notes = (Note("dropped", name, "the new part has other parameters") for name in slots)
    return replace(
        whole,
        spec=replace(whole.spec, trained={}),
        tensors={name: one for name, one in whole.tensors.items() if name not in slots},
        notes=(*whole.notes, *notes),
    )


def _known(spec: ModelSpec, path: str) -> str:
    path = path.replace("/", ".")
    if path not in spec.parts:
        near = difflib.get_close_matches(path, spec.parts, 5, 0.4) or sorted(spec.parts)[:5]
        raise UsageError(
            f"has no part {path!r} that can be loaded alone",
            remedy=f"Parts: {', '.join(near)}." if near else "No model inside it is known.",
        )
    return path


def _without(checkpoint: Checkpoint, paths: Iterable[str]) -> Checkpoint:
    starts = tuple(f"{path}." for path in paths)
    tensors = {
        name: tensor
        for name, tensor in checkpoint.tensors.items()
        if not (name.startswith(starts) and tensor.kind in _INSIDE)
    }
    return replace(checkpoint, tensors=tensors, assets=_outside(paths, checkpoint.assets))


def _tensors_in(path: str, part: Checkpoint) -> Iterator[tuple[str, LazyTensor]]:
    for inner, tensor in part.of_kind(*_INSIDE).items():
        name = f"{path}.{inner}"
        yield name, replace(tensor.renamed(name), keras_path=None)


def _assets_in(path: str, part: Checkpoint) -> dict[str, Asset]:
    return {
        f"{path}.{name}": replace(asset, name=f"{path}.{name}", keras_path=None)
        for name, asset in part.assets.items()
    }


def _require_same_shared_values(whole: Checkpoint, path: str, part: Checkpoint) -> None:
    inside = f"{path}."
    problems = []
    for second, first in whole.spec.ties.items():
        if second.startswith(inside) == first.startswith(inside):
            continue
        name = (second if second.startswith(inside) else first).removeprefix(inside)
        old, new = whole.tensors.get(first), part.tensors.get(name)
        if old is None or new is None or not _equal(old, new):
            outer = first if second.startswith(inside) else second
            problems.append(Problem(inside + name, f"is shared with {outer}, and differs"))
    if problems:
        raise MismatchError(
            f"the new part {path!r} has other values for variables that it shares with the rest",
            problems=problems,
            remedy="Train and save the whole, or give the parts variables of their own.",
        )


def _equal(one: LazyTensor, other: LazyTensor) -> bool:
    same = (one.shape, one.dtype) == (other.shape, other.dtype)
    return same and one.read().tobytes() == other.read().tobytes()


def _spec_with(spec: ModelSpec, path: str, part: ModelSpec) -> ModelSpec:
    both = spec.components.keys() & part.components.keys()
    clash = {name for name in both if spec.components[name] != part.components[name]}
    if clash:
        raise UsageError(
            f"the new part {path!r} was saved with other versions of {', '.join(sorted(clash))}",
            remedy="Load both with today's code, save them again, and put the part in then.",
        )
    inside = f"{path}."
    kept = {
        second: first
        for second, first in spec.ties.items()
        if not (second.startswith(inside) and first.startswith(inside))
    }
    own = {path: {"config": part.config, "signature": part.signature}}
    frozen = [name for name in spec.frozen if name != path and not name.startswith(inside)]
    frozen += [path if name == "." else inside + name for name in part.frozen]
    return replace(
        spec,
        config=with_part_config(spec.config, path, spec.parts[path]["config"], part.config),
        components={**spec.components, **part.components},
        builds={**_outside([path], spec.builds), **_prefixed(path, part.builds)},
        frozen=tuple(frozen),
        layers={
            **_outside([path], spec.layers),
            **{path if n == "." else inside + n: one for n, one in part.layers.items()},
        },
        parts={**_outside([path], spec.parts), **own, **_prefixed(path, part.parts)},
        ties={**kept, **{inside + one: inside + two for one, two in part.ties.items()}},
    )


def _inner_spec(spec: ModelSpec, path: str) -> ModelSpec:
    start = f"{path}."
    inner_ties = {
        second: first.removeprefix(start)
        for second, first in _below(path, spec.ties).items()
        if first.startswith(start)
    }
    frozen = [name.removeprefix(start) for name in spec.frozen if name.startswith(start)]
    return ModelSpec(
        config=spec.parts[path]["config"],
        signature=spec.parts[path].get("signature"),
        components=spec.components,
        builds=_below(path, spec.builds),
        frozen=(*(["."] if path in spec.frozen else []), *frozen),
        layers={
            # Its own config tells it now.
            **({".": _but(spec.layers[path], "made")} if path in spec.layers else {}),
            **_below(path, spec.layers),
        },
        parts=_below(path, spec.parts),
        ties=inner_ties,
    )


def _but(state: JSON, field: str) -> JSON:
    return {name: value for name, value in state.items() if name != field}


def _below(path: str, values: Mapping[str, T]) -> dict[str, T]:
    start = f"{path}."
    return {
        name.removeprefix(start): value for name, value in values.items() if name.startswith(start)
    }


def _outside(paths: Iterable[str], values: Mapping[str, T]) -> dict[str, T]:
    starts = tuple(f"{path}." for path in paths)
    return {
        name: value
        for name, value in values.items()
        if name not in paths and not name.startswith(starts)
    }


def _prefixed(path: str, values: Mapping[str, T]) -> dict[str, T]:
    return {f"{path}.{name}": value for name, value in values.items()}
