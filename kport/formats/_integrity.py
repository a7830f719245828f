"""Digests in the files: how they are read, and what came of holding a file against them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kport.checkpoint import Checker, LazyTensor
from kport.errors import CorruptFileError, Problem
from kport.formats._json import shown

__all__ = ["Integrity", "parse_digest", "parse_order", "tensor_damages"]

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Integrity:
    """What came of holding a file against its digests.

    Arguments:
        files: How many files (or members of an archive) were read.
        tensors: How many tensors have a digest of their own.
        problems: What is not as it was written, each with the tensor or the part of the file.
    """

    files: int
    tensors: int
    problems: tuple[Problem, ...]

    def plus(self, other: Integrity) -> Integrity:
        """Return what came of both."""
        files, tensors = self.files + other.files, self.tensors + other.tensors
        return Integrity(files, tensors, self.problems + other.problems)


def parse_digest(check: Checker, value: object, place: str) -> str:
    """Return a BLAKE3 as the files have it, in 64 hexadecimal digits."""
    text = check.string(value, place)
    if text and not _DIGEST.fullmatch(text):
        check.say(place, "is no BLAKE3 in hexadecimal")
    return text


def parse_order(check: Checker, value: object, place: str) -> tuple[int, ...] | None:
    """Return the axes of a tensor in the order of memory as the files have them, or None."""
    if value is None:
        return None
    return tuple(axis for axis in check.shape(value, place) if axis is not None)


def tensor_damages(tensors: Iterable[LazyTensor]) -> Iterator[Problem]:
    """Yield a problem for every tensor whose values cannot be what was written."""
    for one in tensors:
        try:
            one.check()
        except CorruptFileError as error:
            yield Problem(f"tensors[{shown(one.name)}]", error.message)
