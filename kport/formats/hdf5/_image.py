"""The bytes of an HDF5 file, read within bounds and never in a circle.

The pieces of a file are disjoint: together they are no larger than it, and none is met twice. Both
are checked wherever one is taken, so that reading ends whatever addresses a damaged file holds, and
no file gives out its bytes twice.
"""

from __future__ import annotations

from kport.errors import CorruptFileError
from kport.formats._mapped import Backing

__all__ = ["NOWHERE", "Cursor", "Image"]

NOWHERE = (1 << 64) - 1
"""The address of what is not stored."""

_WINDOW = 1 << 16  # bytes that cost no more to get than a page


class Cursor:
    """Some bytes, read from front to back.

    Arguments:
        data: The bytes.
        what: What they are, for errors.
    """

    __slots__ = ("at", "data", "what")

    def __init__(self, data: bytes, what: str) -> None:
        self.data, self.what, self.at = data, what, 0

    @property
    def left(self) -> int:
        """How many bytes come."""
        return len(self.data) - self.at

    def take(self, size: int) -> bytes:
        """Return the next bytes.

        Raises:
            CorruptFileError: There are fewer.
        """
        end = self.at + size
        if end > len(self.data):
            raise CorruptFileError(f"{self.what} is cut off")
        taken = self.data[self.at : end]
        self.at = end
        return taken

    def number(self, size: int = 8) -> int:
        """Return the next unsigned integer; all of HDF5's own are little-endian."""
        return int.from_bytes(self.take(size), "little")

    def name(self, padded: bool) -> bytes:
        """Return a name that ends with a NUL, with NULs up to a multiple of eight if `padded`."""
        end = self.data.find(b"\0", self.at)
        if end < 0:
            raise CorruptFileError(f"{self.what} holds a name without an end")
        name = self.take(end - self.at)
        self.take(_padded(len(name) + 1) - len(name) if padded else 1)
        return name

    def expect(self, expected: bytes) -> None:
        """Pass over bytes that have to be there.

        Raises:
            CorruptFileError: Others are.
        """
        found = self.take(len(expected))
        if found != expected:
            raise CorruptFileError(f"{self.what} begins with {found!r}, expected {expected!r}")


class Image:
    """The bytes of a file from its superblock on.

    Its structure is spread among the values, of which as few as can be are got from the disk.

    Arguments:
        backing: The bytes of the file, and others.
        begin: Where those of the file begin.
        size: How many there are.
        start: Where its superblock is.
    """

    def __init__(self, backing: Backing, begin: int, size: int, start: int) -> None:
        self.start, self._begin = start, begin + start
        self._left = self.size = size - start
        self._backing = backing
        self._data = backing.bytes[self._begin : begin + size].data
        self._seen: set[int] = set()
        self._expected: set[int] = set()

    def peek(self, address: int, size: int, what: str) -> Cursor:
        """Return bytes that tell how large the block is that they begin.

        Raises:
            CorruptFileError: They lie outside of the file.
        """
        if address + size > self.size:
            raise CorruptFileError(f"{what} is said to be at {address} of a file of {self.size}")
        self._expect(address, address + size)
        return Cursor(bytes(self._data[address : address + size]), what)

    def _expect(self, start: int, stop: int) -> None:
        for window in range(start // _WINDOW, -(-stop // _WINDOW)):
            if window not in self._expected:
                self._expected.add(window)
                last = min((window + 1) * _WINDOW, self.size)
                self._backing.expect(self._begin + window * _WINDOW, self._begin + last)

    def block(self, address: int, size: int, what: str) -> Cursor:
        """Return a block of metadata, which has not been read before.

        Raises:
            CorruptFileError: It lies outside of the file, or has been.
        """
        self.claim(address, size, what)
        return self.peek(address, size, what)

    def claim(self, address: int, size: int, what: str) -> None:
        """Note that bytes belong to something, which may be said of them once.

        Raises:
            CorruptFileError: They lie outside of the file, or belong to something else.
        """
        self._left -= size
        if address + size > self.size:
            raise CorruptFileError(
                f"{what} is said to be {size} bytes at {address} of a file of {self.size}"
            )
        if address in self._seen or self._left < 0:
            raise CorruptFileError(f"{what} at byte {address} is part of something else, too")
        self._seen.add(address)


def _padded(size: int) -> int:
    return size + -size % 8
