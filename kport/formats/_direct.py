"""Write a large file past the system's page cache, where the system can.

The cache is for what is read again soon. A large checkpoint seldom is; its pages cost more to get
than the disk needs for the bytes, and push out others that a training wants.

Source: `O_DIRECT` of open(2): addresses, offsets and lengths are multiples of the device's block.

Memory: `_WRITERS` + 1 blocks of `_BLOCK` bytes.
"""

from __future__ import annotations

import errno
import io
import mmap
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["open_to_write"]

_LARGE = 1 << 26  # what is smaller is written soon, and read fast
_BLOCK = 1 << 23
_WRITERS = 2  # keeps a disk busy
_ALIGNED = 4096  # no device asks for more
_AT_ONCE = 1 << 16  # bytes that are joined in the page cache's case
_CANNOT = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


def open_to_write(path: Path, size: int) -> BinaryIO:
    """Open a new file to be written from begin to end.

    Arguments:
        path: Where nothing is yet.
        size: How large it is going to be, about.

    Raises:
        OSError: It cannot be made, or there is no room for so many bytes.
    """
    if size >= _LARGE and hasattr(os, "O_DIRECT"):
        try:
            return cast("BinaryIO", _DirectFile(path, size))
        except OSError as error:
            if error.errno not in _CANNOT:
                raise
    return path.open("wb", buffering=_AT_ONCE)


class _DirectFile(io.RawIOBase):
    """Takes bytes at its end, and some in place of earlier ones, which wait until it is closed."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = self._sent = self._place = self._room = 0
        self._patches: list[tuple[int, bytes]] = []
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_DIRECT, 0o666)
        self._block = _new_block()
        try:
            self._reserve(size)
            os.pwrite(self._handle, self._block[:_ALIGNED], 0)  # whether the system really can
        except OSError:
            os.close(self._handle)
            raise
        self._free = [_new_block() for _ in range(_WRITERS)]
        self._busy: deque[tuple[memoryview, Future[None]]] = deque()
        self._pool = ThreadPoolExecutor(_WRITERS, "kport-direct")

    def write(self, data: ReadableBuffer) -> int:
        """Take all of the bytes; the caller's memory is free again."""
        source = memoryview(data).cast("B")
        earlier = source[: max(0, self._size - self._place)]
        if earlier:
            self._patches.append((self._place, bytes(earlier)))
        self._append(source[len(earlier) :])
        self._place += len(source)
        return len(source)

    def _append(self, source: memoryview) -> None:
        while source:
            filled = self._size - self._sent
            step = source[: _BLOCK - filled]
            self._block[filled : filled + len(step)] = step
            self._size += len(step)
            source = source[len(step) :]
            if self._size - self._sent == _BLOCK:
                self._send(_BLOCK)

    def _send(self, length: int) -> None:
        self._reserve(self._sent + length)
        going = self._pool.submit(_write_at, self._handle, self._block[:length], self._sent)
        self._busy.append((self._block, going))
        self._sent += length
        self._block = self._free.pop() if self._free else self._written()

    def _written(self) -> memoryview:
        """Wait for the oldest block that is on its way, and return its memory."""
        block, going = self._busy.popleft()
        going.result()
        return block

    def _reserve(self, size: int) -> None:
        """Give the file room up to there: a full disk is known now, and writes go side by side."""
        if size > self._room:
            more = -(-(size - self._room) // _ALIGNED) * _ALIGNED
            os.posix_fallocate(self._handle, self._room, more)
            self._room += more

    def close(self) -> None:
        """Write what is left, and cut the file to its size."""
        if self.closed:
            return
        super().close()
        try:
            rest = self._size - self._sent
            if rest:
                self._send(-(-rest // _ALIGNED) * _ALIGNED)
            while self._busy:
                self._written()
            os.ftruncate(self._handle, self._size)
        finally:
            self._pool.shutdown()
            os.close(self._handle)
        with self._path.open("r+b") as file:
            for place, data in self._patches:
                file.seek(place)
                file.write(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, from the begin, from here or from the end."""
        begins = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}
        self._place = begins[whence] + offset
        return self._place

    def tell(self) -> int:
        """Return the place that the next bytes go to."""
        return self._place

    def seekable(self) -> bool:
        """Return True."""
        return True

    def writable(self) -> bool:
        """Return True."""
        return True


def _new_block() -> memoryview:
    own = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    return memoryview(mmap.mmap(-1, _BLOCK, flags=own))  # begins at a page


def _write_at(handle: int, data: memoryview, place: int) -> None:
    while data:
        count = os.pwrite(handle, data, place)
        data, place = data[count:], place + count
