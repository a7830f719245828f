"""Which format a path holds: the bytes tell, and every installed format is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from importlib.metadata import entry_points
from os import PathLike, fspath
from pathlib import Path
from typing import TypeVar

from kport.checkpoint import Checkpoint, around_part
from kport.errors import (
    KportError,
    PathNotFoundError,
    UnknownFormatError,
    UnreadableError,
    UsageError,
    located,
    mapped,
)
from kport.formats._format import Format, WriteOptions
from kport.formats._integrity import Integrity
from kport.formats._looks import looks_like, near
from kport.formats._mapped import identity_of
from kport.formats._survey import Survey

__all__ = ["GROUP", "Registry", "StrPath", "local_path"]

GROUP = "kport.formats"
"""The entry-point group by which another distribution adds a format."""

T = TypeVar("T")
PartReader = Callable[[Path, str], tuple[Checkpoint, str]]
StrPath = str | PathLike[str]


class Registry:
    """The formats known here, the built-in ones first, those of entry points behind them.

    Entry points are looked up at the first path that no built-in format recognises.

    Arguments:
        formats: The built-in formats, in the order they are asked.
        group: The entry-point group of the others; None for none.
    """

    def __init__(self, formats: Sequence[Format], group: str | None = None) -> None:
        self._builtin = tuple(formats)
        self._group = group

    @cached_property
    def _plugged(self) -> tuple[Format, ...]:
        if self._group is None:
            return ()
        found = (entry.load() for entry in sorted(entry_points(group=self._group)))
        return tuple(_checked(one) for one in found)

    def __iter__(self) -> Iterator[Format]:
        yield from self._builtin
        yield from self._plugged

    def detect(self, path: StrPath) -> Format:
        """Return the format of what is at the path.

        Raises:
            PathNotFoundError: Nothing is there.
            UnknownFormatError: No format recognises it; the error says what it looks like.
        """
        place = local_path(path)
        there = _is_there(place)
        for one in self if there or _is_prefix(place) else ():
            if one.recognises(place):
                return one
        if not there:
            raise PathNotFoundError("no such file or directory", path=place, remedy=near(place))
        known = ", ".join(one.title for one in self)
        raise UnknownFormatError(
            f"is no model that kport knows: {looks_like(place)}",
            path=place,
            remedy=f"Readable here: {known}.",
        )

    def read(self, path: StrPath) -> Checkpoint:
        """Return the Checkpoint at the path, its tensors unread.

        Raises:
            UnreadableError: See `detect`; or the bytes are damaged.
            UnsafeFileError: The file asks for something that is never done.
        """
        return self._steadily(path, lambda found, place: found.read(place))

    def read_part(self, path: StrPath, part: str) -> tuple[Checkpoint, str]:
        """Return the smallest model around a part that can be loaded alone, and the path in that.

        Arguments:
            path: See `read`.
            part: The attribute path of a model or layer; empty for the whole.

        Raises:
            UnreadableError: See `read`.
            UnsafeFileError: See `read`.
        """

        def look(found: Format, place: Path) -> tuple[Checkpoint, str]:
            read: PartReader | None = getattr(found, "read_part", None)
            return around_part(found.read(place), part) if read is None else read(place, part)

        return self._steadily(path, look)

    def _steadily(self, path: StrPath, look: Callable[[Format, Path], T]) -> T:
        """Look at what is at the path, again if a save puts another model there meanwhile."""
        place = local_path(path)
        with located(place):
            while True:
                before = _identity(place)
                try:
                    seen = look(self.detect(place), place)
                except KportError:
                    if _identity(place) == before:
                        raise
                else:
                    if _identity(place) == before:
                        return seen

    def check(self, path: StrPath) -> Integrity:
        """Read every byte at the path and hold it against the checksums the file has.

        Raises:
            UnreadableError: See `read`: it is damaged so that it cannot even be read.
            UsageError: The format has no checksums that kport knows.
        """
        place = local_path(path)
        with located(place):
            found = self.detect(place)
            check: Callable[[Path], Integrity] | None = getattr(found, "check", None)
            if check is None:
                raise UsageError(
                    f"{found.title} has no checksums, so its integrity cannot be known",
                    remedy="Convert it: bundles and archives that kport writes have them.",
                )
            return check(place)

    def read_weights(self, path: StrPath) -> Checkpoint:
        """Return the values at the path, also where a model cannot be had of it.

        Raises:
            UnreadableError: See `read`.
            UnsafeFileError: See `read`.
        """
        return self._steadily(
            path, lambda found, place: getattr(found, "read_weights", found.read)(place)
        )

    def survey(self, path: StrPath) -> Survey:
        """Return what is at the path, also where a model cannot be had of it.

        Raises:
            UnreadableError: See `read`.
            UnsafeFileError: See `read`.
        """
        return self._steadily(path, _surveyed)

    def for_target(self, path: StrPath) -> Format:
        """Return the format to write: an archive for ``.keras``, a bundle for a bare name.

        Raises:
            UsageError: The suffix belongs to a format that kport does not write.
        """
        place = local_path(path)
        name = "keras" if place.suffix == ".keras" else "bundle"
        if place.suffix.lower() in {".h5", ".hdf5", ".pb", ".safetensors", ".npz", ".zip"}:
            raise UsageError(
                f"kport writes no {place.suffix} files",
                path=place,
                remedy="Give a path ending in .keras for an archive, or a directory for a bundle.",
            )
        return next(one for one in self._builtin if one.name == name)

    def write(
        self, checkpoint: Checkpoint, path: StrPath, options: WriteOptions | None = None
    ) -> Format:
        """Write the Checkpoint, whole or not at all, and return the format used.

        Raises:
            UsageError: See `for_target`.
            SaveError: The target cannot be written; it is as it was before.
        """
        place = local_path(path)
        chosen = self.for_target(place)
        options = options or WriteOptions()
        if options.split and not hasattr(chosen, "write_part"):
            raise UsageError(
                f"split: a {chosen.title} holds no parts as files of their own",
                path=place,
                remedy="Give a path without a suffix, for a safetensors bundle.",
            )
        chosen.write(checkpoint, place, options)
        return chosen

    def write_part(
        self, checkpoint: Checkpoint, path: StrPath, name: str, options: WriteOptions | None = None
    ) -> None:
        """Write the Checkpoint in the place of one part of what is at the path.

        Raises:
            UnreadableError: See `detect`.
            UsageError: What is there has no such part in a file of its own.
            SaveError: The target cannot be written; it is as it was before.
        """
        place = local_path(path)
        with located(place):
            chosen = self.detect(place)
            put = getattr(chosen, "write_part", None)
            if put is None:
                raise UsageError(
                    f"part: a {chosen.title} holds no parts as files of their own",
                    remedy="kport.save(model, 'bundle/', split=[...]) writes some.",
                )
            put(checkpoint, place, name, options or WriteOptions())


def _surveyed(found: Format, place: Path) -> Survey:
    look: Callable[[Path], Survey] | None = getattr(found, "survey", None)
    return Survey(found.read(place)) if look is None else look(place)


def local_path(path: StrPath) -> Path:
    """Return the path as a `Path`.

    Raises:
        UsageError: It is no path, or a URL.
    """
    try:
        text = fspath(path)
    except TypeError:
        raise UsageError(
            f"expected a path (str or os.PathLike), got {type(path).__name__}"
        ) from None
    if not isinstance(text, str) or not text or "\0" in text:
        raise UsageError(f"expected a path (non-empty str or os.PathLike), got {text!r}")
    if "://" in text:
        raise UsageError(
            "is a URL, where only a local path will do", path=text, remedy="Copy it to a disk."
        )
    return Path(text)


def _identity(place: Path) -> tuple[int, ...]:
    try:
        return identity_of(place.stat())
    except (OSError, ValueError):
        return ()


def _is_there(place: Path) -> bool:
    """Say whether a file or directory is there; a pipe or device would never end.

    Raises:
        UnreadableError: That cannot be known, as with a name that is too long.
        UnknownFormatError: Something else is.
    """
    with mapped(UnreadableError, "cannot be looked up", path=place):
        there = place.exists()
    if there and not (place.is_file() or place.is_dir()):
        raise UnknownFormatError("is neither a file nor a directory", path=place)
    return there


def _checked(one: object) -> Format:
    if isinstance(one, Format):
        return one
    raise UsageError(f"the plug-in {one!r} of {GROUP} is no kport Format")


def _is_prefix(place: Path) -> bool:
    """Whether files go on from the path, as those of a TensorFlow checkpoint do."""
    try:
        ends = (f"{place.name}.", f"{place.name}-")
        return any(one.name.startswith(ends) for one in place.parent.iterdir())
    except OSError:
        return False
