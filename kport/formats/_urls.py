"""The registry for URLs, too: each is a picture on this disk first; see `_remote`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from kport.checkpoint import Checkpoint
from kport.errors import KportError, UsageError
from kport.formats._format import Format, WriteOptions
from kport.formats._integrity import Integrity
from kport.formats._registry import Registry, StrPath
from kport.formats._remote import Mirror, download, is_remote, upload
from kport.formats._survey import Survey

__all__ = ["RegistryWithUrls"]


class RegistryWithUrls(Registry):
    """A `Registry` whose paths may be URLs that fsspec opens."""

    def detect(self, path: StrPath) -> Format:
        """Return the format of what is at the path or URL."""
        if not is_remote(path):
            return super().detect(path)
        mirror = download(str(path))
        with _under(path, mirror):
            return super().detect(mirror.path)

    def read(self, path: StrPath) -> Checkpoint:
        """Return the Checkpoint at the path or URL, its tensors unread."""
        if not is_remote(path):
            return super().read(path)
        mirror = download(str(path))
        with _under(path, mirror):
            return mirror.held(super().read(mirror.path))

    def read_part(self, path: StrPath, part: str) -> tuple[Checkpoint, str]:
        """Return the smallest model around a part at the path or URL, and the path in that."""
        if not is_remote(path):
            return super().read_part(path, part)
        mirror = download(str(path))
        with _under(path, mirror):
            checkpoint, inside = super().read_part(mirror.path, part)
            return mirror.held(checkpoint), inside

    def read_weights(self, path: StrPath) -> Checkpoint:
        """Return the values at the path or URL."""
        if not is_remote(path):
            return super().read_weights(path)
        mirror = download(str(path))
        with _under(path, mirror):
            return mirror.held(super().read_weights(mirror.path))

    def survey(self, path: StrPath) -> Survey:
        """Return what is at the path or URL."""
        if not is_remote(path):
            return super().survey(path)
        mirror = download(str(path))
        with _under(path, mirror):
            seen = super().survey(mirror.path)
        return replace(seen, checkpoint=mirror.held(seen.checkpoint))

    def check(self, path: StrPath) -> Integrity:
        """Read every byte at the path or URL and hold it against the checksums."""
        if not is_remote(path):
            return super().check(path)
        mirror = download(str(path), whole=True)
        with _under(path, mirror):
            return super().check(mirror.path)

    def for_target(self, path: StrPath) -> Format:
        """Return the format to write: an archive for ``.keras``, a bundle for a bare name."""
        return super().for_target(Path(str(path)) if is_remote(path) else path)

    def write(
        self, checkpoint: Checkpoint, path: StrPath, options: WriteOptions | None = None
    ) -> Format:
        """Write the Checkpoint to the path or URL and return the format used."""
        if not is_remote(path):
            return super().write(checkpoint, path, options)
        if options is not None and options.group is not None:
            raise UsageError(
                "is a URL, and several processes write into files that all of them see",
                path=str(path),
                remedy="Save to a shared file system, and copy the bundle from there.",
            )
        mirror = Mirror(Path(str(path)).name)
        with _under(path, mirror):
            chosen = super().write(checkpoint, mirror.path, options)
        upload(mirror, str(path))
        return chosen


@contextmanager
def _under(url: StrPath, mirror: Mirror) -> Iterator[None]:
    """Name the URL in errors, not the picture of it."""
    try:
        yield
    except KportError as error:
        place = str(url) + (error.path or "").removeprefix(str(mirror.path))
        raise type(error)(
            error.message, path=place, problems=error.problems, remedy=error.remedy
        ) from error.__cause__
