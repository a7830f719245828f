"""Say how two files differ, without Keras or a backend.

Memory: two tensors at a time are mapped, and some MB of each compared. What both files have a
digest of is not read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from os import fspath
from typing import Any, TypeVar

import numpy as np

from kport import formats
from kport.checkpoint import (
    JSON,
    Array,
    Asset,
    Checkpoint,
    LazyTensor,
    Naming,
    differences,
    digest,
    renumbered,
    unmarked,
)
from kport.errors import UsageError, located

__all__ = ["Diff", "Difference", "diff"]

T = TypeVar("T")

_OF_KERAS_3 = {Naming.ATTRIBUTE, Naming.WEIGHTS, Naming.KERAS}
# Shapes that layers were built with, and configs of parts, follow from these and the definition.
_TOLD = "signature", "components", "ties", "layers", "attached", "metrics", "trained", "exempt"
_STEP = 1 << 20  # values compared at a time


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that two files do not have alike.

    Arguments:
        what: ``definition``, ``training``, ``tensor``, ``asset``, or the part of a
            `kport.checkpoint.ModelSpec`: ``frozen``, ``ties``, ``layers``, ...
        place: Where, as a path.
        first: What the first file has there as plain JSON, None for nothing.
        second: What the second has.
        detail: Of values, how many differ and by how much.
    """

    what: str
    place: str
    first: Any
    second: Any
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Diff:
    """How two files differ.

    Arguments:
        first: The path of the first file, as it was given.
        second: That of the second.
        differences: All of them, those of the definition first.
        alike: How many tensors are the same to the bit.
    """

    first: str
    second: str
    differences: tuple[Difference, ...]
    alike: int

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    @property
    def exit_code(self) -> int:
        """0 where nothing differs, else 1."""
        return int(not self.same)

    def to_json(self) -> JSON:
        """Return the differences as plain JSON values."""
        plain: JSON = json.loads(json.dumps({"same": self.same, **asdict(self)}))
        return plain


def diff(first: formats.StrPath, second: formats.StrPath) -> Diff:
    """Return how the second of two files differs from the first: definition, flags and values.

    Names that Keras made up are counted anew in both, and memory order, provenance and samples
    are left aside: a model that was loaded and saved again is the same. Tensors go by their names,
    or by where plain Keras keeps them if one of the files knows no others.

    Arguments:
        first: A path that an installed format knows.
        second: Another.

    Raises:
        UnreadableError: See `inspect`.
        CorruptFileError: Values differ from their digest.
        UsageError: One is a legacy file and the other is not: they name nothing alike.

    Example:
        >>> diff("examples/legacy/digits.h5", "examples/legacy/digits.h5").same
        True
    """
    one, other = formats.read(first), formats.read(second)
    _require_words_in_common(one, first, other, second)
    found = [*_in_words(one, other)]
    alike = 0
    for name, left, right in _pairs(_tensors(one, other), _tensors(other, one)):
        differs = [*_between_tensors(name, left, right, (first, second))]
        found += differs
        alike += not differs
    for name, before, after in _pairs(one.assets, other.assets):
        found += _between_assets(name, before, after)
    return Diff(fspath(first), fspath(second), tuple(found), alike)


def _require_words_in_common(
    one: Checkpoint, first: formats.StrPath, other: Checkpoint, second: formats.StrPath
) -> None:
    if one.naming is other.naming or {one.naming, other.naming} <= _OF_KERAS_3:
        return
    old = first if one.naming not in _OF_KERAS_3 else second
    raise UsageError(
        "is a legacy file, which names layers and tensors otherwise than the other one",
        path=old,
        remedy=f"kport convert {fspath(old)} converted.keras, and compare that.",
    )


Facet = Callable[[Checkpoint], Any]


def _in_words(one: Checkpoint, other: Checkpoint) -> Iterator[Difference]:
    both_know = {one.naming, other.naming} == {Naming.ATTRIBUTE}
    without = ("trainable",) if both_know else ()  # which `frozen` tells, then
    facets: dict[str, Facet] = {
        "definition": partial(_definition, without=without),
        "training": lambda which: unmarked(which.spec.config.get("compile_config")),
    }
    if both_know:
        facets["frozen"] = lambda which: dict.fromkeys(which.spec.frozen, True)
        facets |= {what: partial(_told, what=what) for what in _TOLD}
    for what, of in facets.items():
        for place, left, right in differences(of(one), of(other)):
            yield Difference(what, place, left, right)


def _told(checkpoint: Checkpoint, what: str) -> Any:
    return checkpoint.spec.to_json()[what]


def _definition(checkpoint: Checkpoint, without: tuple[str, ...]) -> Any:
    config = checkpoint.spec.config
    kept = {key: value for key, value in config.items() if key != "compile_config"}
    return unmarked(renumbered(kept), "build_config", *without)


def _tensors(checkpoint: Checkpoint, beside: Checkpoint) -> dict[str, LazyTensor]:
    by_name = checkpoint.naming is beside.naming
    every = checkpoint.tensors.values()
    return {one.name if by_name else one.keras_path or one.name: one for one in every}


def _pairs(
    one: Mapping[str, T], other: Mapping[str, T]
) -> Iterator[tuple[str, T | None, T | None]]:
    for name in [*one, *(name for name in other if name not in one)]:
        yield name, one.get(name), other.get(name)


def _between_tensors(
    name: str, one: LazyTensor | None, other: LazyTensor | None, paths: tuple[object, object]
) -> Iterator[Difference]:
    about = "tensor", name, _words(one), _words(other)
    if one is None or other is None or one.shape != other.shape:
        yield Difference(*about)
    elif one.dtype != other.dtype or one.digest is None or one.digest != other.digest:
        count, largest = _distance(_values(one, paths[0]), _values(other, paths[1]))
        if count or one.dtype != other.dtype:
            text = f"{count:,} of {one.size:,} values differ, by up to {largest:.1e}"
            yield Difference(*about, text)


def _values(tensor: LazyTensor, path: object) -> Array:
    with located(path):
        return tensor.read()


def _words(tensor: LazyTensor | None) -> str | None:
    return None if tensor is None else f"{tensor.dtype} {list(tensor.shape)}"


def _distance(one: Array, other: Array) -> tuple[int, float]:
    """Return how many values differ, and by how much those do at most that are finite.

    Values of one dtype are held against each other bit by bit: a NaN is like itself.
    """
    flat, beside = one.reshape(-1), other.reshape(-1)
    count, largest = 0, 0.0
    for start in range(0, flat.size, _STEP):
        left, right = flat[start : start + _STEP], beside[start : start + _STEP]
        form = _bits if left.dtype == right.dtype else _wide
        apart = form(left) != form(right)
        if apart.any():
            count += int(apart.sum())
            with np.errstate(invalid="ignore", over="ignore"):
                gaps = np.abs(_wide(left[apart]) - _wide(right[apart]))
            largest = max(largest, float(gaps[np.isfinite(gaps)].max(initial=0)))
    return count, largest


def _bits(values: Array) -> Array:
    size = values.dtype.itemsize
    return np.ascontiguousarray(values).view(f"V{size}" if size > 8 else f"u{size}")


def _wide(values: Array) -> Array:
    return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)


def _between_assets(name: str, one: Asset | None, other: Asset | None) -> Iterator[Difference]:
    left, right = (None if which is None else digest(which.read()) for which in (one, other))
    if left != right:
        yield Difference("asset", name, left, right)
