"""Hold an archive against its checksums: zip's of members, ours of tensors and the rest."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from kport.checkpoint import Checkpoint, LazyTensor
from kport.errors import KportError, Problem
from kport.formats._integrity import Integrity, tensor_damages
from kport.formats._json import shown
from kport.formats.keras_archive._layout import EXTRAS, WEIGHTS
from kport.formats.keras_archive._read import read_archive
from kport.formats.keras_archive._zip import Archive, is_sealed, open_archive, seal_holds

__all__ = ["check_archive"]

_STEP = 1 << 22


def check_archive(path: Path) -> Integrity:
    """Read every byte of an archive and say what is not as it was written.

    An archive of plain Keras has checksums of its members only; a damaged value is found, and the
    member is named in the tensor's place.

    Raises:
        KportError: See `read_archive`: it cannot even be read.
    """
    archive = open_archive(path)
    damaged = [name for name in archive.members if not _is_whole(archive, name)]
    problems: list[Problem] = []
    if (EXTRAS in archive.members or is_sealed(path)) and not seal_holds(archive):
        problems.append(Problem("zip directory", "headers or names of members were changed"))
    checkpoint = _read(path, problems, damaged)
    tensors = list(checkpoint.tensors.values()) if checkpoint is not None else []
    for name in damaged:
        where = list(_within(name, tensors))
        problems += where or [Problem(shown(name), "differs from its CRC-32 in the zip directory")]
    sums = sum(one.digest is not None for one in tensors)
    return Integrity(len(archive.members), sums, tuple(problems))


def _read(path: Path, problems: list[Problem], damaged: list[str]) -> Checkpoint | None:
    try:
        return read_archive(path)
    except KportError as error:
        if not problems and not damaged:
            raise
        problems.append(Problem("", error.message))
        return None


def _is_whole(archive: Archive, name: str) -> bool:
    try:
        with zipfile.ZipFile(archive.path) as file, file.open(archive.members[name]) as member:
            while member.read(_STEP):
                pass
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError):
        return False
    return True


def _within(name: str, tensors: list[LazyTensor]) -> Iterator[Problem]:
    if name == WEIGHTS:
        yield from tensor_damages(one for one in tensors if one.keras_path is not None)
    elif name == EXTRAS:
        yield from tensor_damages(one for one in tensors if one.keras_path is None)
