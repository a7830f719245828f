"""Say whether a file still holds the bytes that were written; no Keras and no backend needed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from os import fspath
from typing import Literal

from kport import formats
from kport._arguments import expect_name
from kport.checkpoint import JSON, Checkpoint
from kport.errors import CorruptFileError, Problem, UsageError

__all__ = ["Check", "IntegrityReport", "check", "read_checked"]

Check = Literal["fast", "full", False]


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """What came of holding a file against its checksums.

    Arguments:
        path: The path as it was given.
        format: The short name of the format.
        files: How many files, or members of an archive, were read.
        tensors: How many tensors have a checksum of their own.
        problems: What is not as it was written, each with the tensor or the part of the file.
    """

    path: str
    format: str
    files: int
    tensors: int
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether every byte is as it was written."""
        return not self.problems

    def to_json(self) -> JSON:
        """Return the report as plain JSON values."""
        return {"ok": self.ok, **asdict(self), "problems": [asdict(one) for one in self.problems]}


def check(path: formats.StrPath) -> IntegrityReport:
    """Read every byte of a bundle or archive and hold it against the checksums in it.

    A damaged tensor is named. An archive of plain Keras has a checksum of its weights as a whole.

    Raises:
        UnreadableError: It is damaged so that it cannot be read at all.
        UnsafeFileError: The file asks for something that kport never does.
        UsageError: The format has no checksums that kport knows.

    Example:
        >>> kport.check("bundle/").ok
        True
    """
    found = formats.detect(path)
    result = formats.check(path)
    return IntegrityReport(fspath(path), found.name, result.files, result.tensors, result.problems)


def read_checked(
    path: formats.StrPath, check: Check, part: str | None = None, *, whole: bool = False
) -> tuple[Checkpoint, str | None]:
    """Return the Checkpoint at a path, its bytes held against their checksums as far as asked.

    With a part only the smallest model around it is read, unless the whole is wanted; its path in
    what is read comes back as well.

    Raises:
        CorruptFileError: ``full``, and something is not as it was written.
        UsageError: `check` is none of the choices, or ``full`` for a format without checksums; or
            `part` is no name.
    """
    expect_name("part", part)
    if check not in ("fast", "full", False):
        raise UsageError(f"check is {check!r}, expected 'fast', 'full' or False")
    if check == "full":
        problems = formats.check(path).problems
        if problems:
            raise CorruptFileError(
                "is not what was written",
                path=path,
                problems=problems,
                remedy="Copy or download it again.",
            )
    if part is None or whole:
        checkpoint = formats.read(path)
    else:
        checkpoint, part = formats.read_part(path, part)
    return checkpoint if check else checkpoint.unchecked(), part
