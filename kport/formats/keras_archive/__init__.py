"""The ``.keras`` archive of Keras 3, read in place and written so that plain Keras loads it."""

from __future__ import annotations

from pathlib import Path

from kport.checkpoint import Checkpoint
from kport.formats._format import Format, WriteOptions
from kport.formats.keras_archive._read import read_archive
from kport.formats.keras_archive._write import write_archive

__all__ = ["KERAS", "KerasArchive"]

_ZIP = b"PK\x03\x04"


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
        return head == _ZIP

    def read(self, path: Path) -> Checkpoint:
        """Return the Checkpoint of an archive; see `read_archive`."""
        return read_archive(path)

    def write(self, checkpoint: Checkpoint, path: Path, options: WriteOptions) -> None:
        """Write an archive; see `write_archive`. Archives have no shards."""
        write_archive(checkpoint, path)


KERAS: Format = KerasArchive()
