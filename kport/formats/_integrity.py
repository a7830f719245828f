"""Checksums in the files: how they are written down, and what came of holding a file against them.

sha256 of each file finds any change and says in which file; CRC-32 of each tensor says in which
tensor, and is cheap enough to be looked at on every load.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kport.checkpoint import Checker, LazyTensor
from kport.errors import CorruptFileError, Problem
from kport.formats._json import shown

__all__ = ["Integrity", "hex_crc32", "parse_crc32", "sha256_of", "tensor_damages"]

_CRC32 = re.compile(r"[0-9a-f]{8}")
_STEP = 1 << 22


@dataclass(frozen=True, slots=True)
class Integrity:
    """What came of holding a file against its checksums.

    Arguments:
        files: How many files (or members of an archive) were read.
        tensors: How many tensors have a checksum of their own.
        problems: What is not as it was written, each with the tensor or the part of the file.
    """

    files: int
    tensors: int
    problems: tuple[Problem, ...]

    def plus(self, other: Integrity) -> Integrity:
        """Return what came of both."""
        files, tensors = self.files + other.files, self.tensors + other.tensors
        return Integrity(files, tensors, self.problems + other.problems)


def hex_crc32(value: int) -> str:
    """Return a checksum as the files have it: eight hexadecimal digits."""
    return f"{value:08x}"


def parse_crc32(check: Checker, value: object, place: str) -> int | None:
    """Return a checksum of a file; None where it has none, as files of other writers."""
    if value is None:
        return None
    text = check.string(value, place)
    if text and not _CRC32.fullmatch(text):
        check.say(place, "is no CRC-32 in eight hexadecimal digits")
        return None
    return int(text, 16) if text else None


def sha256_of(path: Path) -> str:
    """Return the hash of a file in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while step := file.read(_STEP):
            digest.update(step)
    return digest.hexdigest()


def tensor_damages(tensors: Iterable[LazyTensor]) -> Iterator[Problem]:
    """Yield a problem for every tensor whose values cannot be what was written."""
    for one in tensors:
        try:
            one.read()
        except CorruptFileError as error:
            yield Problem(f"tensors[{shown(one.name)}]", error.message)
