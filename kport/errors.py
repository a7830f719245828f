"""Every error kport raises, in one tree.

::

    KportError
    ├── UsageError                the caller's argument or option is wrong            exit 2
    │   └── BackendError          a Keras backend is missing or was chosen too late   exit 2
    ├── UnreadableError           the file cannot become a Checkpoint                 exit 3
    │   ├── PathNotFoundError     nothing is at the path
    │   ├── UnknownFormatError    the bytes are no format that kport knows
    │   ├── CorruptFileError      truncated, damaged or self-contradicting bytes
    │   └── InvalidSpecError      well-formed JSON that describes no model
    ├── LoadError                 the Checkpoint is fine, the model cannot be made    exit 3
    │   ├── MissingComponentError a class or function the model needs is not registered
    │   └── MismatchError         tensors of the file and of the model do not agree
    ├── SaveError                 the model or the target cannot be written           exit 3
    └── UnsafeFileError           refused: the file asks for something kport never does  exit 4

Exceptions of other libraries (h5py, zipfile, json, OSError) never reach a caller: `mapped`
turns them into one of these where a file is read or written.
"""

from __future__ import annotations

import json
import os
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = [
    "BackendError",
    "CorruptFileError",
    "InvalidSpecError",
    "KportError",
    "LoadError",
    "MismatchError",
    "MissingComponentError",
    "PathNotFoundError",
    "Problem",
    "SaveError",
    "UnknownFormatError",
    "UnreadableError",
    "UnsafeFileError",
    "UsageError",
    "located",
    "mapped",
]

MAX_PROBLEMS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where.

    Arguments:
        place: Where, as a path a person can follow: ``tensors.encoder.kernel.shape``.
        message: What was found and what was expected, as one sentence part.
        kind: For programs: ``missing``, ``type``, ``value``, ``shape``, ``dtype``,
            ``unexpected`` or ``unsafe``.
    """

    place: str
    message: str
    kind: str = "value"

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class KportError(Exception):
    """The root of every error kport raises.

    Arguments:
        message: One sentence: what went wrong.
        path: The file or directory it is about.
        problems: Everything that is wrong, not only the first thing.
        remedy: The next thing to do, as an imperative sentence.
    """

    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        path: object = None,
        problems: Sequence[Problem] = (),
        remedy: str = "",
    ) -> None:
        self.message = message
        self.path = None if path is None else str(path)
        self.problems = tuple(problems)
        self.remedy = remedy
        super().__init__(self._text())

    def _text(self) -> str:
        lines = [f"{self.path}: {self.message}" if self.path else self.message]
        lines += [f"  - {problem}" for problem in self.problems[:MAX_PROBLEMS_SHOWN]]
        hidden = len(self.problems) - MAX_PROBLEMS_SHOWN
        if hidden > 0:
            lines.append(f"  - and {hidden} more")
        if self.remedy:
            lines.append(self.remedy)
        return "\n".join(lines)

    def at(self, path: object) -> KportError:
        """Return the same error with the file named, for readers that do not know it."""
        if self.path is not None:
            return self
        return type(self)(self.message, path=path, problems=self.problems, remedy=self.remedy)


class UsageError(KportError):
    """An argument, option or combination of them is wrong."""

    exit_code = 2


class BackendError(UsageError):
    """A Keras backend is not installed, or another one is already imported."""


class UnreadableError(KportError):
    """The path does not hold a model that kport can read."""


class PathNotFoundError(UnreadableError):
    """Nothing is at the path."""


class UnknownFormatError(UnreadableError):
    """The bytes at the path are no format that an installed reader knows."""


class CorruptFileError(UnreadableError):
    """The file is of a known format and is truncated, damaged or contradicts itself."""


class InvalidSpecError(UnreadableError):
    """The JSON of the file is well formed and does not describe a model."""


class LoadError(KportError):
    """The file was read and no model can be made of it here."""


class MissingComponentError(LoadError):
    """A class or function that the model is made of is not registered."""


class MismatchError(LoadError):
    """Tensors of the file and variables of the model do not agree."""


class SaveError(KportError):
    """The model cannot be captured, or the target cannot be written."""


class UnsafeFileError(KportError):
    """The file asks for something that kport never does on a file's word."""

    exit_code = 4


@contextmanager
def located(path: object) -> Iterator[None]:
    """Name the file in errors of rooms that know no files."""
    try:
        yield
    except KportError as error:
        raise error.at(path) from error.__cause__


def _foreign() -> tuple[type[BaseException], ...]:
    # h5py raises only built-in exceptions (OSError, KeyError, RuntimeError, ValueError, TypeError).
    return (
        OSError,
        EOFError,
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        zlib.error,
        json.JSONDecodeError,
        UnicodeError,
        RecursionError,
        KeyError,
        IndexError,
        ValueError,
        TypeError,
        RuntimeError,
        OverflowError,
        NotImplementedError,
        MemoryError,
        *_of_tensorflow(),
    )


def _of_tensorflow() -> tuple[type[BaseException], ...]:
    # The only backend whose errors are no built-in ones; they exist where it was imported.
    loaded = sys.modules.get("tensorflow.python.framework.errors_impl")
    found = getattr(loaded, "OpError", None)
    return () if found is None else (found,)


@contextmanager
def mapped(
    error: type[KportError],
    message: str,
    *,
    path: object = None,
    remedy: str = "",
    when: Callable[[BaseException], bool] | None = None,
) -> Iterator[None]:
    """Turn exceptions of other libraries into `error`, and let kport's own pass with the path.

    Arguments:
        error: The class to raise.
        message: What kport was doing, completed by the foreign exception's own words.
        path: The file at work.
        remedy: The next thing to do.
        when: Map only exceptions for which this returns true; default all.

    Example:
        >>> with mapped(CorruptFileError, "not valid JSON", path="config.json"):
        ...     json.loads("{")
        Traceback (most recent call last):
        ...
        kport.errors.CorruptFileError: config.json: not valid JSON: Expecting property name ...
    """
    try:
        yield
    except KportError as known:
        raise known.at(path) from known.__cause__
    except _foreign() as foreign:
        if when is not None and not when(foreign):
            raise
        words = str(foreign).strip().splitlines()
        detail = words[0] if words else type(foreign).__name__
        if isinstance(foreign, OSError) and foreign.errno:
            reason = os.strerror(foreign.errno)  # h5py says something else in its place
            detail = detail if reason in detail else f"{reason}: {detail}"
        raise error(f"{message}: {detail}", path=path, remedy=remedy) from foreign
