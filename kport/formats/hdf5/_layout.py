"""Where the values of a dataset are, and how those in chunks come together.

Source: HDF5 File Format Specification 3.0, sections IV.A.2.i (data layout) and III.A.1 (the B-tree
of chunks).

Memory: values in one piece are viewed in place; those in chunks are put together when read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from kport.checkpoint import Array
from kport.errors import CorruptFileError, UnreadableError, UnsafeFileError
from kport.formats.hdf5._filters import MAX_EXPANSION, unfiltered
from kport.formats.hdf5._image import NOWHERE, Cursor, Image
from kport.formats.hdf5._links import tree_entries

__all__ = ["Chunks", "Piece", "layout", "together"]

_COMPACT, _CONTIGUOUS, _CHUNKED, _VIRTUAL = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Piece:
    """Values in one piece.

    Arguments:
        stored: How many bytes there are.
        address: Where they are in what was opened, None for those in the header of the dataset.
        data: These.
    """

    stored: int
    address: int | None
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of an array.

    Arguments:
        begin: Where it begins in the array.
        start: Where its bytes begin in what was opened.
        stop: Where they end.
        mask: Which filters were left out, bit by bit.
    """

    begin: tuple[int, ...]
    start: int
    stop: int
    mask: int


@dataclass(frozen=True, slots=True)
class Chunks:
    """Values in chunks.

    Arguments:
        shape: The shape of a chunk.
        item: Bytes of a value.
        parts: The chunks.
    """

    shape: tuple[int, ...]
    item: int
    parts: Sequence[Chunk]

    @property
    def stored(self) -> int:
        """How many bytes there are."""
        return sum(one.stop - one.start for one in self.parts)

    def check(self, shape: tuple[int, ...], item: int) -> None:
        """Refuse chunks that do not make up an array of this shape.

        Arguments:
            shape: The shape of the array.
            item: Bytes of a value of it.

        Raises:
            CorruptFileError: One is missing, or is out of its place.
            UnsafeFileError: One is larger than what is stored of it can be.
        """
        if len(self.shape) != len(shape) or self.item != item:
            raise CorruptFileError(f"has chunks of {self.shape} for an array of {shape}")
        size = prod(self.shape) * item
        if any(size > MAX_EXPANSION * (one.stop - one.start) for one in self.parts):
            raise UnsafeFileError(f"has chunks of {size} bytes that are not stored")
        needed = prod(-(-whole // part) for whole, part in zip(shape, self.shape, strict=True))
        begins = {one.begin for one in self.parts}
        fits = all(
            at % part == 0 and at < whole
            for begin in begins
            for at, part, whole in zip(begin, self.shape, shape, strict=True)
        )
        if not fits or not len(begins) == len(self.parts) == needed:
            raise CorruptFileError(f"has not the {needed} chunks that it needs")


def together(
    chunks: Chunks,
    stored: Iterable[tuple[Chunk, Array]],
    shape: tuple[int, ...],
    dtype: np.dtype[np.generic],
    filters: Sequence[int],
) -> Array:
    """Return the array that chunks make up.

    Arguments:
        chunks: What is known of them.
        stored: Each with its bytes in the file.
        shape: The shape of the array.
        dtype: What its values are in the file.
        filters: What the chunks went through.

    Raises:
        CorruptFileError: A chunk is damaged.
    """
    values: Array = np.empty(shape, dtype)
    size = prod(chunks.shape) * chunks.item
    for one, data in stored:
        plain = unfiltered(data.tobytes(), filters, one.mask, size, chunks.item)
        chunk = np.frombuffer(plain, dtype).reshape(chunks.shape)
        part = values[
            tuple(slice(at, at + n) for at, n in zip(one.begin, chunks.shape, strict=True))
        ]
        part[...] = chunk[tuple(slice(0, length) for length in part.shape)]
    return values


def layout(image: Image, data: bytes) -> Piece | Chunks:
    """Return where a layout message says that the values are.

    Arguments:
        image: The file.
        data: The message.

    Raises:
        CorruptFileError: It is damaged, or they lie outside of the file.
        UnsafeFileError: They are parts of other files.
        UnreadableError: Only the newest HDF5 keeps chunks so.
    """
    cursor = Cursor(data, "a layout")
    version, kind = cursor.number(1), cursor.number(1)
    if version not in (3, 4, 5):  # 4 came with HDF5 1.10, 5 with HDF5 2.0
        raise UnreadableError(f"keeps its values in a layout of version {version}")
    if kind == _VIRTUAL:
        raise UnsafeFileError("is a virtual dataset, which reads other files")
    if kind == _COMPACT:
        size = cursor.number(2)
        return Piece(size, None, cursor.take(size))
    if kind == _CONTIGUOUS:
        address, size = cursor.number(), cursor.number()
        if address == NOWHERE or not size:
            return Piece(0, None)
        image.claim(address, size, "what it stores")
        return Piece(size, image.start + address)
    if kind != _CHUNKED or version > 3:
        raise UnreadableError(
            "keeps its values in chunks as only the newest HDF5 does",
            remedy="Write the file again with h5py's default libver, or without compression.",
        )
    return _chunks(image, cursor)


def _chunks(image: Image, cursor: Cursor) -> Chunks:
    rank, tree = cursor.number(1), cursor.number()
    *shape, item = (cursor.number(4) for _ in range(rank))
    if not item or 0 in shape:
        raise CorruptFileError("a chunk has no size")
    parts = []
    for key, address in tree_entries(image, tree, 1, 8 + 8 * rank) if tree != NOWHERE else ():
        head = Cursor(key, "a chunk")
        size, mask = head.number(4), head.number(4)
        image.claim(address, size, "a chunk")
        start = image.start + address
        parts.append(Chunk(tuple(head.number() for _ in shape), start, start + size, mask))
    return Chunks(tuple(shape), item, parts)
