"""Read a safetensors file: the header at once, the values by a memory map when asked for.

The file may lie inside another one, as a stored member of a zip archive does.

Memory: the header (see `_header`); the values are views of one memory map that all tensors of a
file share. Only int4 and uint4 are copied, because a byte of the file is not a byte of theirs.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np

from kport.checkpoint import Array, Box, byte_runs, numpy_dtype, slices_of
from kport.errors import CorruptFileError, UnreadableError, UnsafeFileError, mapped
from kport.formats._json import shown
from kport.formats._mapped import MappedFile, in_place
from kport.formats.safetensors._dtypes import storage_dtype
from kport.formats.safetensors._header import (
    LENGTH_BYTES,
    MAX_READ_BYTES,
    Entry,
    Header,
    parse_header,
)

__all__ = ["SafetensorsFile", "read_file"]

# Dtypes that do not use all of their byte -> what the byte is, least and most value. Any other
# byte is a hostile or damaged one: NumPy would compute nonsense with it.
_NARROW = {"bool": ("u1", 0, 1), "int4": ("i1", -8, 7), "uint4": ("u1", 0, 15)}


@dataclass(frozen=True, slots=True)
class SafetensorsFile:
    """A safetensors file whose header was read.

    Arguments:
        file: The file.
        header: What its header says.
        data: Where in the file the first value lies.
    """

    file: MappedFile
    header: Header
    data: int

    @property
    def metadata(self) -> Mapping[str, str]:
        """The free strings of the header."""
        return self.header.metadata

    @property
    def entries(self) -> Mapping[str, Entry]:
        """Name -> tensor, in the order of the bytes."""
        return self.header.entries

    def source(self, name: str, dtype: str | None = None) -> Callable[[], Array]:
        """Return a function that gives the values of a tensor as a read-only view; see `in_place`.

        Arguments:
            name: One of `entries`.
            dtype: The dtype to give where the format has none of its own (int4, uint4).

        Raises:
            UnreadableError: Keras has no such dtype.
        """
        wanted = self._readable(name, dtype)
        view = partial(self._view, name, wanted)
        if wanted in _NARROW:
            return view
        return in_place(view, self.file, self.data + self.entries[name].start)

    def window(self, name: str, dtype: str | None = None) -> Callable[[Box], Array]:
        """Return a function that gives a box of a tensor as a read-only view of its own bytes.

        Raises:
            UnreadableError: Keras has no such dtype.
        """
        return partial(self._view, name, self._readable(name, dtype))

    def _readable(self, name: str, dtype: str | None) -> str:
        entry = self.entries[name]
        wanted = dtype or entry.dtype
        if wanted is None or storage_dtype(wanted) != entry.dtype:
            raise UnreadableError(
                f"tensor {shown(name)} is {entry.tag}, and no {wanted or 'Keras'} tensor can be "
                "made of that",
                path=self.file.path,
            )
        return wanted

    def _view(self, name: str, dtype: str, box: Box | None = None) -> Array:
        entry = self.entries[name]
        shape, start, stop = entry.shape, self.data + entry.start, self.data + entry.stop
        with mapped(UnreadableError, "cannot be read", path=self.file.path):
            if box is None:
                flat = self.file.view(start, stop)
            else:
                itemsize = numpy_dtype(entry.dtype or dtype).itemsize
                for first, last in byte_runs(shape, itemsize, box, self.file.hole):
                    self.file.expect(start + first, start + last)
                flat = self.file.bytes[start:stop]
            stored_as = _NARROW[dtype][0] if dtype in _NARROW else numpy_dtype(dtype)
            stored = flat.view(stored_as).reshape(shape)[slices_of(box) if box else ...]
            return _narrow(stored, name, dtype) if dtype in _NARROW else stored


def _narrow(stored: Array, name: str, dtype: str) -> Array:
    """Return values whose dtype does not use all of its byte, after a look at every byte."""
    _, least, most = _NARROW[dtype]
    if stored.size and (stored.min() < least or stored.max() > most):
        raise CorruptFileError(f"tensor {shown(name)} is {dtype} and has bytes that are no such")
    if dtype == "bool":
        return stored.view(np.bool_)
    values = stored.astype(numpy_dtype(dtype))
    values.flags.writeable = False
    return values


def read_file(
    path: str | PathLike[str],
    *,
    offset: int = 0,
    length: int | None = None,
    only: Container[str] | None = None,
) -> SafetensorsFile:
    """Read the header of a safetensors file and check it against the size of the file.

    Arguments:
        path: The file.
        offset: Where the safetensors bytes begin in it.
        length: How many they are; default all to the end of the file.
        only: The tensors that are wanted; default all, and then they must tile the file.

    Raises:
        CorruptFileError: It is truncated, or the header is not valid; with every problem.
        UnsafeFileError: The header is longer than any honest one.
        UnreadableError: It cannot be opened.
    """
    whole = MappedFile(Path(path))
    with mapped(UnreadableError, "cannot be read", path=path), open(path, "rb") as file:
        size = whole.size - offset
        if length is not None and length > size:
            raise CorruptFileError(f"is truncated: {size} bytes where there should be {length}")
        length = size if length is None else length
        header = _read_header(file, offset, length)
        data = LENGTH_BYTES + len(header)
        parsed = parse_header(header, length - data, only)
        whole.hold()
        return SafetensorsFile(whole, parsed, offset + data)


def _read_header(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    first = file.read(min(LENGTH_BYTES, max(length, 0)))
    if len(first) < LENGTH_BYTES:
        raise CorruptFileError(
            f"is no safetensors file: {len(first)} bytes, and the length of the header alone "
            f"takes {LENGTH_BYTES}"
        )
    (size,) = struct.unpack("<Q", first)
    if size > length - LENGTH_BYTES:
        raise CorruptFileError(
            f"is truncated or no safetensors file: {length} bytes, and the header alone should "
            f"take {LENGTH_BYTES} + {size}"
        )
    if size > MAX_READ_BYTES:
        raise UnsafeFileError(f"has a header of {size} bytes; at most {MAX_READ_BYTES} are read")
    return file.read(size)
