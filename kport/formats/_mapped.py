"""Map a file into memory once, and notice when another file takes its place.

Memory: none of its own; pages are read when touched and belong to the page cache. The pages of a
tensor are asked for at once and no others with them, so that a part of a file costs its own bytes.
A file that is truncated in place while it is mapped crashes the process, as with every memory map;
kport itself only ever replaces files whole.

A tensor that is wanted whole is copied without the map: the system reads a file faster than it maps
one, most of all from the disk.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol
from weakref import WeakValueDictionary, finalize

import numpy as np

from kport.checkpoint import Array, ByteSource
from kport.errors import CorruptFileError, UnreadableError, mapped

__all__ = ["FETCHERS", "Backing", "HeldBytes", "MappedFile", "identity_of", "in_place"]


_PAGE = mmap.PAGESIZE
_READ_AHEAD = 1 << 17  # Linux reads no more for one call than a device's own read-ahead
_REQUEST = 1 << 20  # what a network brings in the time it takes to ask

FETCHERS: MutableMapping[str, Callable[[int, int], None]] = WeakValueDictionary()
"""Local path -> what brings a range of its bytes there, for pictures of remote files."""


class Backing(Protocol):
    """Bytes that arrays are views of."""

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    @property
    def bytes(self) -> Array:
        """All of them, as a read-only array of uint8."""
        ...

    def view(self, start: int, stop: int) -> Array:
        """Some of them, about to be read from end to end."""
        ...

    def expect(self, start: int, stop: int) -> None:
        """Get ready for some of them to be read."""
        ...


class HeldBytes:
    """Bytes in memory, for what lies compressed on disk."""

    def __init__(self, data: bytes) -> None:
        self.bytes: Array = np.frombuffer(data, np.uint8)
        self.size = len(data)

    def view(self, start: int, stop: int) -> Array:
        """Some of them, as a read-only array of uint8."""
        return self.bytes[start:stop]

    def expect(self, start: int, stop: int) -> None:
        """They are there."""


class MappedFile:
    """The bytes of a file, mapped at the first use; `hold` maps them at once.

    Arguments:
        path: The file; it must exist.

    Raises:
        UnreadableError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fetch = FETCHERS.get(str(path))
        with mapped(UnreadableError, "cannot be read", path=path), path.open("rb") as file:
            self._identity = identity_of(os.fstat(file.fileno()))

    @property
    def size(self) -> int:
        """Bytes of the file when it was first seen."""
        return self._identity[2]

    @property
    def copies(self) -> bool:
        """Whether `copy_to` is there: it is not on Windows, nor for what has to be fetched."""
        return hasattr(os, "preadv") and self._fetch is None

    def copy_to(self, target: memoryview, start: int) -> None:
        """Fill memory with the bytes from one on.

        Raises:
            CorruptFileError: The file ends before, or another has taken its place.
            UnreadableError: It cannot be read.
        """
        with mapped(UnreadableError, "cannot be read", path=self.path):
            while target:
                count = os.preadv(self._handle, [target], start)
                if not count:
                    raise CorruptFileError("was truncated after it was opened")
                target, start = target[count:], start + count

    @property
    def hole(self) -> int:
        """Bytes between two pieces that cost less to read with them than to leave out."""
        return _PAGE if self._fetch is None else _REQUEST

    def hold(self) -> None:
        """Map the file now, so that its bytes stay when another file takes its place.

        Raises:
            CorruptFileError: One has taken it already.
        """
        _ = self.bytes

    @property
    def bytes(self) -> Array:
        """All bytes as a read-only array of uint8.

        Raises:
            CorruptFileError: Another file has taken its place since.
            UnreadableError: It cannot be opened.
        """
        return np.frombuffer(self._region, np.uint8) if self.size else np.empty(0, np.uint8)

    def view(self, start: int, stop: int) -> Array:
        """Return some bytes that are about to be read from end to end, without reading ahead.

        Raises:
            CorruptFileError: See `bytes`.
            UnreadableError: They lie elsewhere and cannot be fetched.
        """
        self.expect(start, stop)
        return self.bytes[start:stop]

    def expect(self, start: int, stop: int) -> None:
        """Ask for some bytes that are about to be read, and no others.

        Raises:
            CorruptFileError: See `bytes`.
            UnreadableError: They lie elsewhere and cannot be fetched.
        """
        if self._fetch is not None:
            self._fetch(start, stop)
        if hasattr(mmap, "MADV_WILLNEED") and 0 <= start < stop <= self.size:
            first = start - start % mmap.PAGESIZE
            for place in range(first, stop, _READ_AHEAD):
                length = min(_READ_AHEAD, stop - place)
                self._sparse.madvise(mmap.MADV_WILLNEED, place, length)

    @cached_property
    def _region(self) -> mmap.mmap:
        with mapped(UnreadableError, "cannot be read", path=self.path):
            return mmap.mmap(self._handle, 0, access=mmap.ACCESS_READ)

    @cached_property
    def _handle(self) -> int:
        with mapped(UnreadableError, "cannot be read", path=self.path):
            handle = os.open(self.path, os.O_RDONLY)
            finalize(self, os.close, handle)
            if identity_of(os.fstat(handle)) != self._identity:
                raise CorruptFileError("was changed after it was opened", remedy="Read it again.")
        if hasattr(os, "posix_fadvise"):  # what lies beside the bytes asked for is not wanted
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_RANDOM)
        return handle

    @cached_property
    def _sparse(self) -> mmap.mmap:
        """The map, with the system told that what lies beside a page touched is not wanted."""
        self._region.madvise(mmap.MADV_RANDOM)
        return self._region


def in_place(values: Callable[[], Array], backing: Backing, start: int) -> Callable[[], Array]:
    """Return a source of values whose plain bytes stand in a file from a place on."""
    if isinstance(backing, MappedFile) and backing.copies:
        return _Stretch(values, backing, start)
    return values


@dataclass(frozen=True, slots=True)
class _Stretch(ByteSource):
    """A `kport.checkpoint.ByteSource` out of a file."""

    values: Callable[[], Array]
    file: MappedFile
    start: int

    def __call__(self) -> Array:
        return self.values()

    def copy_to(self, target: memoryview, start: int) -> None:
        self.file.copy_to(target, self.start + start)


def identity_of(status: os.stat_result) -> tuple[int, int, int, int]:
    """Return what differs between two files, or two states of one."""
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
