"""Read and write through fsspec: a local picture of what lies at a URL.

A bundle's safetensors files become sparse local files of the same size, into which the bytes of a
tensor come when it is read; JSON files, assets, archives and files of other formats are copied
whole. The copies lie in the system's temporary folder (``TMPDIR``) as long as a tensor or an asset
of theirs may be read. Writing makes the model in that folder first; of a bundle the manifest goes
up last, and what the old one had more is removed then.

Memory: `_STEP` bytes. Only URLs that a caller gives are opened; nothing in a file leads here.
"""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from kport.checkpoint import Checkpoint
from kport.errors import (
    CorruptFileError,
    KportError,
    PathNotFoundError,
    SaveError,
    UnreadableError,
    UnsafeFileError,
    UsageError,
)
from kport.formats._mapped import FETCHERS
from kport.formats._web import files_of_bundle, is_web

__all__ = ["Mirror", "download", "is_remote", "upload"]

_STEP = 1 << 23
_MAX_FILES = 100_000  # of a bundle; the largest have some thousand shards and assets
_MANIFEST = "kport.json"
_LARGEST_HEADER = 100_000_000  # see kport.formats.safetensors

T = TypeVar("T")


def is_remote(path: object) -> bool:
    """Say whether a path is a URL."""
    return isinstance(path, str) and "://" in path


class Mirror:
    """A local picture of what lies at a URL; its folder goes when nobody holds it any more.

    Arguments:
        name: What the picture is called in its folder.
    """

    def __init__(self, name: str) -> None:
        folder = tempfile.mkdtemp(prefix="kport-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.path = Path(folder) / name
        self.ranges: list[_Ranges] = []

    def held(self, checkpoint: Checkpoint) -> Checkpoint:
        """Return the Checkpoint so that its tensors and assets hold the picture."""
        tensors = {
            name: replace(
                one,
                source=partial(_call, self, one.source),
                window=one.window and partial(_call, self, one.window),
            )
            for name, one in checkpoint.tensors.items()
        }
        assets = {
            name: replace(one, read=partial(_call, self, one.read))
            for name, one in checkpoint.assets.items()
        }
        return replace(checkpoint, tensors=tensors, assets=assets)


def _call(mirror: Mirror, function: Any, *given: Any) -> Any:
    return function(*given)


class _Ranges:
    """Brings the bytes of a remote file into a sparse local one, each range once."""

    def __init__(self, system: Any, remote: str, local: Path) -> None:
        self._system, self._remote, self._local = system, remote, local
        self._there: set[tuple[int, int]] = set()

    def __call__(self, start: int, stop: int) -> None:
        """Make sure that the bytes are in the local file."""
        if (start, stop) in self._there:
            return
        with _told(UnreadableError, "cannot be fetched", self._remote):
            handle = os.open(self._local, os.O_WRONLY)
            try:
                for begin in range(start, stop, _STEP):
                    end = min(begin + _STEP, stop)
                    data = self._system.cat_file(self._remote, start=begin, end=end)
                    if len(data) > end - begin:
                        raise UnreadableError(
                            "is on a server that gives no parts of files",
                            remedy="Copy the bundle to a local disk, or put an archive there.",
                        )
                    if len(data) < end - begin:
                        raise CorruptFileError("was changed after it was opened")
                    os.pwrite(handle, data, begin)
            finally:
                os.close(handle)
        self._there.add((start, stop))


def download(url: str, *, whole: bool = False) -> Mirror:
    """Return a local picture of what lies at a URL.

    Arguments:
        url: Where it is.
        whole: Whether every byte is wanted now.

    Raises:
        PathNotFoundError: Nothing is there.
        UnreadableError: It cannot be reached.
        UnsafeFileError: It has names that lead out of a folder.
        UsageError: fsspec, or its part for this kind of URL, is not installed.
    """
    system, root = _system(url)
    mirror = Mirror(root.rstrip("/").rpartition("/")[2] or "model")
    with _told(UnreadableError, "cannot be fetched", url):
        files = files_of_bundle(system, root) if is_web(root) else {}
        if not files and system.isfile(root):
            system.get_file(root, str(mirror.path))
            return mirror
        files = files or _found(system, root)
    if not files:
        raise PathNotFoundError("no such file or directory", path=url)
    if len(files) > _MAX_FILES:
        raise UnsafeFileError(f"holds {len(files)} files; at most {_MAX_FILES} are read", path=url)
    with _told(UnreadableError, "cannot be fetched", url):
        mirror.path.mkdir()
        for name, (place, size) in sorted(files.items()):
            local = mirror.path / name
            local.parent.mkdir(parents=True, exist_ok=True)
            if whole or not name.endswith(".safetensors"):
                system.get_file(place, str(local))
            else:
                _sparse(mirror, system, place, local, size)
    return mirror


def _found(system: Any, root: str) -> dict[str, tuple[str, int]]:
    """Return path in a folder -> path in the store and size of all its files."""
    files = system.find(root, detail=True)
    return {_inside(name, root): (name, int(one["size"])) for name, one in files.items()}


def _sparse(mirror: Mirror, system: Any, remote: str, local: Path, size: int) -> None:
    local.touch()
    os.truncate(local, size)
    fetch = _Ranges(system, remote, local)
    fetch(0, min(8, size))
    header = struct.unpack("<Q", _head(local))[0] if size >= 8 else 0
    fetch(8, 8 + min(header, max(size - 8, 0), _LARGEST_HEADER))
    FETCHERS[str(local)] = fetch
    mirror.ranges.append(fetch)


def _head(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(8)


def _inside(name: str, root: str) -> str:
    below = name.strip("/").removeprefix(root.strip("/")).strip("/")
    if any(part in {"", ".", ".."} for part in below.split("/")) or "\\" in below:
        raise UnsafeFileError(f"holds a name that leads out of it: {name!r}")
    return below


def upload(mirror: Mirror, url: str) -> None:
    """Put what is at a picture's path to a URL.

    Raises:
        SaveError: It cannot be written there, or something else is there.
    """
    system, root = _system(url)
    with _told(SaveError, "cannot be written", url):
        if mirror.path.is_file():
            system.makedirs(system._parent(root), exist_ok=True)
            system.put_file(str(mirror.path), root)
            return
        old = system.find(root) if system.isdir(root) else []
        if old and not any(_inside(one, root) == _MANIFEST for one in old):
            raise SaveError("holds something else, which would be lost", remedy="Save elsewhere.")
        files = [one for one in mirror.path.rglob("*") if one.is_file()]
        names = [one.relative_to(mirror.path).as_posix() for one in files]
        for name in sorted(names, key=lambda name: (name == _MANIFEST, name)):
            target = f"{root.rstrip('/')}/{name}"
            system.makedirs(system._parent(target), exist_ok=True)
            system.put_file(str(mirror.path / name), target)
        for one in old:
            if _inside(one, root) not in names:
                system.rm_file(one)


def _system(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, and the path on it."""
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise UsageError(
            "is a URL, and fsspec is not installed",
            path=url,
            remedy="pip install 'keras-kport[remote]', or copy it to a local disk.",
        ) from None
    try:
        system, root = url_to_fs(url)
    except (ImportError, ValueError, TypeError) as error:
        raise UsageError(f"is no URL that can be opened here: {error}", path=url) from error
    return system, str(root)


@contextmanager
def _told(error: type[KportError], message: str, url: str) -> Iterator[None]:
    try:
        yield
    except KportError as known:
        raise known.at(url) from known.__cause__
    except Exception as foreign:  # each kind of store has a library with errors of its own
        words = str(foreign).strip().splitlines()
        detail = words[0] if words else type(foreign).__name__
        raise error(f"{message}: {detail}", path=url) from foreign
