"""Tensors of which several files have parts: ``DCP_SHARDING_INFO`` in the header says which.

It is the JSON of tensor name -> ``{"saved_offsets": [...]}``: where the part begins in the whole.
The shape of the whole is nowhere; it is what the parts make up, which must be a box without holes.

Memory: a tensor that is read whole is put together in new memory; a part of it reads what lies in
that part alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np

from kport.checkpoint import Array, Box, Checker, Kind, LazyTensor, numpy_dtype, slices_of
from kport.errors import CorruptFileError, Problem, UnreadableError
from kport.formats._json import parse_json, shown
from kport.formats.safetensors import SafetensorsFile

__all__ = ["tensors_of"]

_KEY = "DCP_SHARDING_INFO"
_MOST_PARTS = 4096  # of one tensor: each is compared with each


@dataclass(frozen=True, slots=True)
class _Part:
    box: Box
    dtype: str
    source: Callable[[], Array]
    window: Callable[[Box], Array]


def tensors_of(files: Mapping[str, SafetensorsFile]) -> dict[str, LazyTensor]:
    """Return the tensors of files that belong together, each with all its parts.

    Raises:
        CorruptFileError: Parts overlap or leave holes, or a tensor is there twice.
        UnreadableError: A dtype is none of Keras's.
    """
    parts: dict[str, list[_Part]] = {}
    for name, file in files.items():
        for tensor, part in _parts(name, file):
            parts.setdefault(tensor, []).append(part)
    problems = [Problem(shown(one), why) for one, found in parts.items() if (why := _why(found))]
    if problems:
        raise CorruptFileError("its files do not make up whole tensors", problems=problems)
    return {name: _tensor(name, found) for name, found in sorted(parts.items())}


def _parts(name: str, file: SafetensorsFile) -> Iterator[tuple[str, _Part]]:
    text, check = file.metadata.get(_KEY), Checker()
    info = check.mapping(parse_json(text.encode(), _KEY), _KEY) if text is not None else {}
    for tensor, entry in file.entries.items():
        place = f"{_KEY}[{shown(tensor)}]"
        said = check.mapping(info.get(tensor, {}), place).get("saved_offsets")
        starts = check.shape(said, place) if said is not None else (0,) * len(entry.shape)
        if len(starts) != len(entry.shape):
            check.say(place, f"has {len(starts)} offsets, expected {len(entry.shape)}")
        if entry.dtype is None:
            raise UnreadableError(f"the tensor {shown(tensor)} is {entry.tag}; Keras has no such")
        begins = [start or 0 for start in starts]
        box = tuple((b, b + size) for b, size in zip(begins, entry.shape, strict=False))
        yield tensor, _Part(box, entry.dtype, file.source(tensor), file.window(tensor))
    if check.problems:
        raise CorruptFileError(f"{shown(name)} is damaged", problems=check.problems)


def _shape(parts: Sequence[_Part]) -> tuple[int, ...]:
    return tuple(
        max(stop for _, stop in axis) for axis in zip(*(one.box for one in parts), strict=True)
    )


def _why(parts: Sequence[_Part]) -> str:
    if len({(one.dtype, len(one.box)) for one in parts}) > 1:
        return "has parts of several dtypes or ranks"
    if len(parts) > _MOST_PARTS:
        return f"has {len(parts)} parts, and at most {_MOST_PARTS} are read"
    if any(_common(one.box, other.box) is not None for one, other in combinations(parts, 2)):
        return "has parts that overlap"
    if sum(_volume(one.box) for one in parts) != math.prod(_shape(parts)):
        return "has parts missing"
    return ""


def _tensor(name: str, parts: Sequence[_Part]) -> LazyTensor:
    shape, dtype = _shape(parts), parts[0].dtype
    if len(parts) == 1:
        only = parts[0]
        return LazyTensor(name, shape, dtype, Kind.PARAMETER, only.source, window=only.window)
    window = partial(_assembled, parts, dtype)
    whole = tuple((0, size) for size in shape)
    return LazyTensor(name, shape, dtype, Kind.PARAMETER, partial(window, whole), window=window)


def _assembled(parts: Sequence[_Part], dtype: str, box: Box) -> Array:
    values = np.empty([stop - start for start, stop in box], numpy_dtype(dtype))
    for part in parts:
        common = _common(part.box, box)
        if common is not None:
            values[slices_of(_within(common, box))] = part.window(_within(common, part.box))
    return values


def _common(one: Box, other: Box) -> Box | None:
    ends = [(max(a, c), min(b, d)) for (a, b), (c, d) in zip(one, other, strict=True)]
    return tuple(ends) if all(start < stop for start, stop in ends) else None


def _within(box: Box, around: Box) -> Box:
    return tuple((a - c, b - c) for (a, b), (c, _) in zip(box, around, strict=True))


def _volume(box: Box) -> int:
    return math.prod(stop - start for start, stop in box)
