"""Find the models below a folder by their bytes; neither Keras nor a backend is needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kport import formats
from kport.checkpoint import Holds
from kport.errors import KportError, UnknownFormatError, UnreadableError
from kport.formats.bundle import BUNDLE
from kport.formats.keras_archive import KERAS

__all__ = ["Found", "models_below"]

# Names that promise a model; any other file that is none is not worth a word.
_PROMISING = frozenset({".ckpt", ".h5", ".hdf5", ".keras", ".pb"})


@dataclass(frozen=True, slots=True)
class Found:
    """Something below a folder that is a model, or that its name says to be one.

    Arguments:
        path: The file, or the directory where that is the model.
        format: The short name of its format; empty where none knows it.
        holds: What is in it.
        obstacles: Why there is no more in it.
        error: Why it cannot be read; None where nothing speaks against it.
    """

    path: Path
    format: str = ""
    holds: Holds = Holds.MODEL
    obstacles: tuple[str, ...] = ()
    error: KportError | None = None


def models_below(folder: Path, without: Path) -> Iterator[Found]:
    """Yield each model below a folder once, those of a folder by name; links are not followed.

    What lies in a directory that is a model belongs to it, such as the values of a SavedModel,
    unless it is another whole model. Hidden files and folders are left out.

    Arguments:
        folder: Where to look.
        without: A folder that is not looked into.
    """
    seen: dict[Path, Found] = {}
    closed: list[OSError] = []
    for place, folders, files in os.walk(folder, onerror=closed.append):
        here = Path(place)
        if here.resolve() == without.resolve():
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in ("", *sorted(name for name in files if not name.startswith("."))):
            found = _look(here / name)
            if found is not None and found.path not in seen and not _is_part(found, seen):
                seen[found.path] = found
                yield found
    for error in closed:
        text = f"cannot be looked into: {error.strerror}"
        yield Found(Path(error.filename), error=UnreadableError(text, path=error.filename))


def _is_part(found: Found, seen: Mapping[Path, Found]) -> bool:
    """Whether it belongs to what a folder around it is."""
    whole = found.error is None and found.holds is Holds.MODEL
    return any(
        not whole or seen[one].format == found.format == BUNDLE.name
        for one in found.path.parents
        if one in seen
    )


def _look(path: Path) -> Found | None:
    """Return what is at a path, None where it is no model and nothing says that it should be."""
    try:
        known = formats.detect(path)
    except UnknownFormatError as error:
        return Found(path, error=error) if path.suffix.lower() in _PROMISING else None
    main: Callable[[Path], Path] | None = getattr(known, "main", None)
    try:
        path = path if main is None else main(path)
    except KportError as error:
        # A folder of several models; each is found by itself.
        return None if path.is_dir() else Found(path, known.name, error=error)
    try:
        survey = formats.survey(path)
        return Found(path, known.name, survey.checkpoint.holds, survey.obstacles)
    except KportError as error:
        # Any zip file passes for an archive until it is read.
        doubtful = known is KERAS and path.suffix.lower() not in _PROMISING
        return None if doubtful else Found(path, known.name, error=error)
