"""Write to a file while other threads hash what was written and bring it to the disk.

The caller's thread writes, one thread makes the digests, and one tells the system to begin with the
disk, which otherwise would stand idle until the fsync at the end. All of it runs outside of
Python's lock.

Memory: what the caller gives is not copied; hashing is at most `_LAG` values behind and keeps them
alive for so long.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from io import UnsupportedOperation
from types import TracebackType
from typing import BinaryIO, Self

from blake3 import blake3

from kport.checkpoint import LazyTensor, plain_bytes

__all__ = ["HashingWriter", "Sum"]

_LAG = 1  # more would keep more values alive than the one being written and the one before it
_FLUSH_EVERY = 1 << 26  # bytes between two calls that start the disk
_SMALL = 1 << 16  # bytes below which a thread costs more than the hash


class Sum:
    """A digest that is complete once the writer is closed."""

    __slots__ = ("_hash",)

    def __init__(self) -> None:
        self._hash = blake3()

    @property
    def value(self) -> str:
        """The digest, as `kport.checkpoint.digest` gives it."""
        return self._hash.hexdigest()

    def add(self, data: bytes | memoryview) -> None:
        """Go on with some bytes."""
        self._hash.update(data)


class HashingWriter:
    """Writes bytes, and knows the digest of each piece when it is closed.

    Arguments:
        file: Open for writing bytes.
        disk: The file on disk that these bytes end in, if it is another one.

    Example:
        >>> import io
        >>> with HashingWriter(io.BytesIO()) as writer:
        ...     found = writer.put(b"abc")
        >>> found.value[:16], writer.size
        ('6437b3ac38465133', 3)
    """

    def __init__(self, file: BinaryIO, *, disk: BinaryIO | None = None) -> None:
        self.size = 0
        self._file = file
        self._hashing, self._flushing = (ThreadPoolExecutor(1, "kport-write") for _ in range(2))
        self._hashes: deque[Future[None]] = deque()
        self._flushes: list[Future[None]] = []
        self._flushed = 0
        self._handle = _handle(disk or file)

    def put(self, data: bytes | memoryview, before: Sum | None = None) -> Sum:
        """Write bytes, and return their digest to be.

        Arguments:
            data: The bytes.
            before: What was put before of the same piece; the digest is of both.
        """
        found = before or Sum()
        if before is None and len(data) < _SMALL:
            found.add(data)
        else:
            self._hashes.append(self._hashing.submit(found.add, data))
        for start in range(0, len(data), _FLUSH_EVERY):
            step = data[start : start + _FLUSH_EVERY]
            _write_all(self._file, step)
            self.size += len(step)
            self._flush()
        while len(self._hashes) > _LAG:
            self._hashes.popleft().result()
        return found

    def put_tensor(self, tensor: LazyTensor) -> Sum:
        """Write the values of a tensor, some rows at a time where it is in no one place."""
        found = None
        for block in tensor.blocks():
            found = self.put(plain_bytes(block), found)
        return found or self.put(b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for thread in (self._hashing, self._flushing):
            thread.shutdown(cancel_futures=error is not None)
        if error is None:
            for done in (*self._hashes, *self._flushes):
                done.result()

    def _flush(self) -> None:
        if self._handle is not None and self.size - self._flushed >= _FLUSH_EVERY:
            self._flushed = self.size
            self._flushes.append(self._flushing.submit(os.fdatasync, self._handle))


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
