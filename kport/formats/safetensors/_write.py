"""Write a safetensors file in one pass.

Same tensors, same bytes: the header has its keys sorted, and the values follow each other by item
size, largest first, and then by name, so that each lies at a multiple of its own item size.

Memory: the tensor being written, or some rows of it where it comes so, and for a moment what was
before it (see `_stream`); and one copy where the array given is not C-contiguous and little-endian.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kport.checkpoint import LazyTensor, numpy_dtype
from kport.errors import Problem, SaveError
from kport.formats._direct import open_to_write
from kport.formats._json import shown
from kport.formats._stream import HashingWriter
from kport.formats.safetensors._dtypes import tag_of
from kport.formats.safetensors._header import METADATA, Entry, render_header

__all__ = ["FileDigest", "FilePlan", "plan_file", "validate_tensors", "write_file"]


@dataclass(frozen=True, slots=True)
class FileDigest:
    """What a file holds, in short.

    Arguments:
        size: Bytes.
        header: The digest of all before the values.
        tensors: Tensor -> the digest of its values, see `kport.checkpoint.digest_of`.
    """

    size: int
    header: str
    tensors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FilePlan:
    """A file before its values are there.

    Arguments:
        header: Its first bytes.
        size: How many bytes it will have.
        starts: Tensor -> first byte of its values.
    """

    header: bytes
    size: int
    starts: Mapping[str, int]


def validate_tensors(tensors: Sequence[LazyTensor]) -> list[Problem]:
    """Return every reason why the tensors cannot stand in one file; empty when they can."""
    problems: list[Problem] = []
    seen: set[str] = set()
    for tensor in tensors:
        problems += [
            Problem(f"tensors[{shown(tensor.name)}]", *said) for said in _complaints(tensor, seen)
        ]
        seen.add(tensor.name)
    return problems


def _complaints(tensor: LazyTensor, seen: Container[str]) -> Iterator[tuple[str, str]]:
    if tag_of(tensor.dtype) is None:
        yield f"is {tensor.dtype}; safetensors has no such dtype", "dtype"
    if tensor.name == METADATA or not _is_utf8(tensor.name):
        yield "has a name that no safetensors file can hold", "value"
    if tensor.name in seen:
        yield "is given twice", "value"


def write_file(
    target: Path | BinaryIO,
    tensors: Sequence[LazyTensor],
    metadata: Mapping[str, str] | None = None,
) -> FileDigest:
    """Write the tensors and return the size and the digests of what was written.

    Arguments:
        target: A path, or a file object open for writing bytes.
        tensors: In any order; each is read once.
        metadata: Free strings for the header.

    Raises:
        SaveError: See `validate_tensors`; or there are too many tensors for one header.
        CorruptFileError: A tensor's source gave another shape or dtype than was declared.
    """
    ordered, plan = _planned(tensors, metadata)
    if isinstance(target, Path):
        with open_to_write(target, plan.size) as file:
            return _stream(file, plan.header, ordered)
    return _stream(target, plan.header, ordered)


def plan_file(tensors: Sequence[LazyTensor], metadata: Mapping[str, str] | None = None) -> FilePlan:
    """Return where `write_file` puts everything, for those who write into the file by themselves.

    Raises:
        SaveError: See `write_file`.
    """
    return _planned(tensors, metadata)[1]


def _planned(
    tensors: Sequence[LazyTensor], metadata: Mapping[str, str] | None
) -> tuple[list[LazyTensor], FilePlan]:
    problems = validate_tensors(tensors)
    if problems:
        raise SaveError("these tensors cannot be stored as safetensors", problems=problems)
    ordered = sorted(tensors, key=lambda one: (-_itemsize(one), one.name))
    entries, size = _layout(ordered)
    header = render_header(entries, metadata or {})
    starts = {name: len(header) + entry.start for name, entry in entries.items()}
    return ordered, FilePlan(header, len(header) + size, starts)


def _layout(ordered: Sequence[LazyTensor]) -> tuple[dict[str, Entry], int]:
    """Return name -> place, and the bytes of all together."""
    entries: dict[str, Entry] = {}
    start = 0
    for one in ordered:
        stop = start + one.nbytes
        entries[one.name] = Entry(tag_of(one.dtype) or "", one.shape, start, stop)
        start = stop
    return entries, start


def _stream(file: BinaryIO, header: bytes, ordered: Sequence[LazyTensor]) -> FileDigest:
    with HashingWriter(file) as writer:
        head = writer.put(header)
        sums = {one.name: writer.put_tensor(one) for one in ordered}
    return FileDigest(writer.size, head.value, {name: one.value for name, one in sums.items()})


def _itemsize(tensor: LazyTensor) -> int:
    return numpy_dtype(tensor.dtype).itemsize


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
