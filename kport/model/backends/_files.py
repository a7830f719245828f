"""Values of models that are larger than the memory: in a file, while a conversion needs them.

Memory: what is in use; the system writes the rest to the file when it is short of memory.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock

import numpy as np

from kport.checkpoint import Array
from kport.errors import SaveError, mapped

__all__ = ["FILES", "ValueFile", "values_in_files"]

_REGION = 1 << 30  # bytes mapped at a time: each takes a handle, and a process has some thousand


_FULL = "the values that a conversion keeps beside its target until that is written have no room"
_ROOM = "Convert to a disk that has room for the model twice."


class ValueFile:
    """Memory that is a file.

    Arguments:
        handle: Of the file, open for reading and writing.
        folder: Where it is.
    """

    def __init__(self, handle: int, folder: Path) -> None:
        self._handle, self._folder = handle, folder
        self._regions: list[mmap.mmap] = []
        self._size = 0
        self._free = np.empty(0, np.uint8)
        self._lock = Lock()

    def take(self, size: int) -> Array:
        """Return zeros of so many bytes, from the beginning of a page; let go of what is older.

        Raises:
            SaveError: The disk is full.
        """
        pages = size + -size % mmap.PAGESIZE
        self.release()
        with self._lock, mapped(SaveError, _FULL, path=self._folder, remedy=_ROOM):
            if pages > self._free.size:
                self._extend(pages + -pages % _REGION)
            if hasattr(os, "posix_fallocate"):  # a full disk is an error now, and no signal later
                os.posix_fallocate(self._handle, self._size - self._free.size, pages)
            taken, self._free = self._free[:size], self._free[pages:]
            return taken

    def release(self) -> None:
        """Let go of all memory; what is used again comes back from the file."""
        if hasattr(mmap, "MADV_DONTNEED"):
            for one in self._regions:
                one.madvise(mmap.MADV_DONTNEED)

    def _extend(self, size: int) -> None:
        os.truncate(self._handle, self._size + size)
        region = mmap.mmap(self._handle, size, offset=self._size)
        self._regions.append(region)
        self._free = np.frombuffer(region, np.uint8)
        self._size += size


FILES: list[ValueFile] = []


@contextmanager
def values_in_files(folder: Path) -> Iterator[ValueFile]:
    """Put the large values of models that are made meanwhile into a file without a name.

    It is gone when the last value is.

    Arguments:
        folder: Where there is room for it.

    Raises:
        SaveError: There is not.
    """
    with ExitStack() as stack:
        with mapped(SaveError, "cannot be written", path=folder):
            file = stack.enter_context(tempfile.TemporaryFile(dir=folder))
        FILES.append(ValueFile(file.fileno(), folder))
        try:
            yield FILES[-1]
        finally:
            FILES.pop()
