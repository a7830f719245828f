"""The ``.keras`` archive of Keras 3, read in place and written so that plain Keras loads it."""

from __future__ import annotations

from pathlib import Path

from kport.checkpoint import Checkpoint
from kport.errors import KportError, UsageError
from kport.formats._format import Format, WriteOptions
from kport.formats._integrity import Integrity
from kport.formats._json import parse_json
from kport.formats.keras_archive._check import check_archive
from kport.formats.keras_archive._layout import METADATA
from kport.formats.keras_archive._read import read_archive
from kport.formats.keras_archive._write import write_archive
from kport.formats.keras_archive._zip import open_archive

__all__ = ["KERAS", "KerasArchive", "written_by_keras_2"]

_ZIP = b"PK\x03\x04"
_MAX_METADATA = 1 << 16  # a version and a date


def written_by_keras_2(path: Path) -> bool:
    """Say whether the archive's metadata names a Keras before 3: the same members, other names."""
    try:
        archive = open_archive(path)
        if METADATA not in archive.members:
            return False
        metadata = parse_json(archive.read(METADATA, _MAX_METADATA), METADATA)
    except KportError:
        return False  # `read` says what is wrong
    version = metadata.get("keras_version") if isinstance(metadata, dict) else None
    return isinstance(version, str) and version.startswith("2.")


class KerasArchive:
    """`Format` of ``.keras`` archives."""

    name = "keras"
    title = "Keras archive (.keras)"
    writes = True

    def recognises(self, path: Path) -> bool:
        """Say whether the file begins like a zip archive with Keras's members, or is named so."""
        if not path.is_file():
            return False
        try:
            with path.open("rb") as file:
                head = file.read(len(_ZIP))
        except OSError:
            return False
        return head == _ZIP and not written_by_keras_2(path)

    def read(self, path: Path) -> Checkpoint:
        """Return the Checkpoint of an archive; see `read_archive`."""
        return read_archive(path)

    def check(self, path: Path) -> Integrity:
        """Hold the bytes against their checksums; see `check_archive`."""
        return check_archive(path)

    def write(self, checkpoint: Checkpoint, path: Path, options: WriteOptions) -> None:
        """Write an archive; see `write_archive`. Archives have no shards."""
        if options.group is not None:
            raise UsageError(
                "a Keras archive is written by one process",
                path=path,
                remedy="Save a bundle, and load it in one process that saves the archive.",
            )
        write_archive(checkpoint, path)


KERAS: Format = KerasArchive()
