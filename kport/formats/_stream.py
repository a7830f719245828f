"""Write to a file while other threads hash what was written and bring it to the disk.

The caller's thread writes, one thread makes the SHA-256, one the CRC-32s, and one tells the system
to begin with the disk, which otherwise would stand idle until the fsync at the end. All of it runs
outside of Python's lock.

Memory: what the caller gives is not copied; hashing is at most `_LAG` steps behind and keeps them
alive for so long.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from io import UnsupportedOperation
from types import TracebackType
from typing import Any, BinaryIO, Self

__all__ = ["HashingWriter", "Sum"]

# Steps that stay in the processor's cache; much smaller ones cost calls, much larger ones read the
# memory twice.
_STEP = 1 << 20
_LAG = 4  # more would keep more values alive than the one being written and the one before it
_FLUSH_EVERY = 1 << 26  # bytes between two calls that start the disk
_SMALL = 1 << 16  # bytes below which a thread costs more than the hash


class Sum:
    """A CRC-32 that is complete once the writer is closed."""

    def __init__(self) -> None:
        self.value = 0

    def add(self, data: bytes | memoryview) -> None:
        """Take more bytes in."""
        self.value = zlib.crc32(data, self.value)


class HashingWriter:
    """Writes bytes, and knows their SHA-256 and CRC-32 when it is closed.

    Arguments:
        file: Open for writing bytes.
        disk: The file on disk that these bytes end in, if it is another one.
        sha256: Whether the SHA-256 is wanted.

    Example:
        >>> import io
        >>> with HashingWriter(io.BytesIO()) as writer:
        ...     found = writer.put(b"123456789")
        >>> f"{found.value:08x}", writer.size, writer.sha256[:8]
        ('cbf43926', 9, '15e2b0d3')
    """

    def __init__(
        self, file: BinaryIO, *, disk: BinaryIO | None = None, sha256: bool = True
    ) -> None:
        self.size = 0
        self._file = file
        self._digest = hashlib.sha256() if sha256 else None
        self._threads = [ThreadPoolExecutor(1, "kport-write") for _ in range(3)]
        self._waiting: deque[Future[None]] = deque()
        self._flushed = 0
        self._handle = _handle(disk or file)

    def put(self, data: bytes | memoryview) -> Sum:
        """Write bytes, and return their CRC-32 to be."""
        found = Sum()
        for start in range(0, len(data), _STEP):
            step = data[start : start + _STEP]
            if self._digest is not None:
                self._later(0, self._digest.update, step)
            self._later(1, found.add, step)
            _write_all(self._file, step)
            self.size += len(step)
            self._flush()
        return found

    @property
    def sha256(self) -> str:
        """The SHA-256 of all that was written, in hexadecimal; empty where it was not wanted."""
        return self._digest.hexdigest() if self._digest is not None else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for thread in self._threads:
            thread.shutdown(cancel_futures=error is not None)
        if error is None:
            while self._waiting:
                self._waiting.popleft().result()

    def _later(self, thread: int, call: Callable[[Any], object], data: bytes | memoryview) -> None:
        if len(data) < _SMALL and not self._waiting:
            call(data)
            return
        self._waiting.append(self._threads[thread].submit(_run, call, data))
        while len(self._waiting) > 2 * _LAG:
            self._waiting.popleft().result()

    def _flush(self) -> None:
        if self._handle is None or self.size - self._flushed < _FLUSH_EVERY:
            return
        self._flushed = self.size
        self._waiting.append(self._threads[2].submit(_run, os.fdatasync, self._handle))


def _run(call: Callable[[Any], object], given: Any) -> None:
    call(given)


def _handle(file: BinaryIO) -> int | None:
    if not hasattr(os, "fdatasync"):
        return None
    try:
        return file.fileno()
    except (AttributeError, UnsupportedOperation):
        return None  # a member of a zip archive, or memory


def _write_all(file: BinaryIO, data: bytes | memoryview) -> None:
    written = file.write(data)
    while written < len(data):  # an unbuffered file may take less than it is given
        data = data[written:]
        written = file.write(data)
