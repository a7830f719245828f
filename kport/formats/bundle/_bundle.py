"""The bundle as a `kport.formats.Format`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kport.checkpoint import Checkpoint
from kport.formats._format import WriteOptions
from kport.formats._integrity import Integrity
from kport.formats.bundle._check import check_bundle
from kport.formats.bundle._layout import looks_like_bundle
from kport.formats.bundle._read import read_bundle
from kport.formats.bundle._read_part import read_part
from kport.formats.bundle._replace import replace_part
from kport.formats.bundle._write import write_bundle
from kport.formats.bundle._write_together import write_together

__all__ = ["BUNDLE", "Bundle"]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A directory of safetensors files with a manifest; see `kport.formats.bundle`."""

    name: str = "bundle"
    title: str = "safetensors bundle"
    writes: bool = True

    def recognises(self, path: Path) -> bool:
        """Say by the first bytes of ``kport.json`` whether the directory is a bundle."""
        return looks_like_bundle(path)

    def read(self, path: Path) -> Checkpoint:
        """Return the Checkpoint; see `_read`."""
        return read_bundle(path)

    def read_part(self, path: Path, part: str) -> tuple[Checkpoint, str]:
        """Return the smallest model around a part, and the path in that; see `_read_part`."""
        return read_part(path, part)

    def check(self, path: Path) -> Integrity:
        """Hold the bytes against their checksums; see `_check`."""
        return check_bundle(path)

    def write(self, checkpoint: Checkpoint, path: Path, options: WriteOptions) -> None:
        """Write the Checkpoint; see `_write` and `_write_together`."""
        if options.group is None:
            write_bundle(checkpoint, path, options)
        else:
            write_together(checkpoint, path, options, options.group)

    def write_part(
        self, checkpoint: Checkpoint, path: Path, name: str, options: WriteOptions
    ) -> None:
        """Write the Checkpoint in the place of one part of a split bundle; see `_replace`."""
        replace_part(checkpoint, path, name, options)


BUNDLE = Bundle()
"""The format."""
