"""A TensorBundle: an index of names and the shards that hold the values; no TensorFlow.

``PREFIX.index`` is a table (`_table`): the key "" holds a BundleHeaderProto, any other the
BundleEntryProto of a tensor: dtype, shape, shard, offset, size, masked CRC-32C. The values lie in
``PREFIX.data-SSSSS-of-NNNNN``, little-endian and C-contiguous, at no particular alignment.

Format: ``tensorflow/core/protobuf/tensor_bundle.proto`` and
``tensorflow/core/util/tensor_bundle/tensor_bundle.cc``, TensorFlow 2.15.

Memory: the index, and nothing of the values: a shard is mapped and a read gives a view, after the
checksum was compared at the first one. What no view can be of is copied: a sliced tensor,
strings, bools (a file may hold other bytes than 0 and 1), values at an odd address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path

import numpy as np

from kport.checkpoint import Array, Kind, LazyTensor, Position, numpy_dtype
from kport.errors import CorruptFileError, Problem, UnreadableError, mapped
from kport.formats._json import shown
from kport.formats._mapped import MappedFile
from kport_compat.tensorbundle._crc32c import masked
from kport_compat.tensorbundle._dtypes import STRING, type_name
from kport_compat.tensorbundle._files import absent, refuse_pointer
from kport_compat.tensorbundle._ordered import Extent, slice_key
from kport_compat.tensorbundle._schemas import ENTRY, HEADER, dimensions
from kport_compat.tensorbundle._strings import split_texts
from kport_compat.tensorbundle._table import read_table
from kport_compat.tensorbundle._wire import Message, decode

__all__ = ["Bundle", "Entry", "entry_of", "part_shape"]

_MAX_RANK = 64  # NumPy's own limit
_MAX_DIMENSION = 1 << 48
_SAVED_AGAIN = "Save it again with TensorFlow 2, or copy its files anew."


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a tensor lies.

    Arguments:
        key: Its name in the file.
        dtype: A dtype name of kport, ``string``, or None where TensorFlow has a type that no
            tensor of Keras has.
        shape: Its shape.
        shard: The number of the file with its values.
        offset: Their place in it.
        nbytes: How many there are.
        checksum: The masked CRC-32C of them.
        slices: The parts it is stored in, each a start and a length for every dimension.
    """

    key: str
    dtype: str | None
    shape: tuple[int, ...]
    shard: int
    offset: int
    nbytes: int
    checksum: int
    slices: tuple[tuple[Extent, ...], ...] = ()


class Bundle:
    """The tensors of a checkpoint, by their keys.

    Arguments:
        index: The ``.index`` file.

    Raises:
        PathNotFoundError: It, or a shard it names, is not there.
        UnreadableError: It is a Git LFS pointer, a V1 checkpoint, or was written big-endian.
        CorruptFileError: It is damaged, or claims more than the shards hold.
    """

    def __init__(self, index: Path) -> None:
        self.path = index
        with mapped(CorruptFileError, "cannot be read", path=index):
            refuse_pointer(index)
            table = read_table(MappedFile(index).bytes.data)
            self._count = _shard_count(table)
            self._parts: dict[bytes, Entry] = {}
            self.entries: Mapping[str, Entry] = dict(self._read(table))
            self._shards = self._open()
            self._check()
        self._verified: set[bytes] = set()

    def array(self, key: str) -> Array:
        """Return the values of a tensor of numbers.

        Raises:
            CorruptFileError: The checksum is wrong, or slices are missing.
            UnreadableError: It holds no numbers.
        """
        entry = self.entries[key]
        with mapped(CorruptFileError, f"tensor {shown(key)} cannot be read", path=self.path):
            if entry.dtype is None or entry.dtype == STRING:
                raise UnreadableError(f"tensor {shown(key)} holds no numbers")
            return self._joined(entry) if entry.slices else self._values(entry, key.encode())

    def texts(self, key: str) -> list[bytes]:
        """Return the elements of a tensor of strings, in C order.

        Raises:
            CorruptFileError: The checksum or a length is wrong.
            UnreadableError: It holds numbers.
        """
        entry = self.entries[key]
        with mapped(CorruptFileError, f"tensor {shown(key)} cannot be read", path=self.path):
            if entry.dtype != STRING or entry.slices:
                raise UnreadableError(f"tensor {shown(key)} is no whole tensor of strings")
            return split_texts(prod(entry.shape), entry.checksum, self._bytes(entry))

    def lazy(
        self,
        key: str,
        name: str,
        kind: Kind,
        position: Position | None = None,
        keras_path: str | None = None,
    ) -> LazyTensor:
        """Return a tensor of the bundle as one of a Checkpoint.

        Raises:
            UnreadableError: It holds no numbers.
        """
        entry = self.entries[key]
        if entry.dtype is None or entry.dtype == STRING:
            raise UnreadableError(f"tensor {shown(key)} holds no numbers", path=self.path)
        source = partial(self.array, key)
        return LazyTensor(name, entry.shape, entry.dtype, kind, source, keras_path, position)

    def _read(self, table: Mapping[bytes, memoryview]) -> Iterator[tuple[str, Entry]]:
        for key, value in table.items():
            if key == b"":
                continue
            entry = entry_of(key, decode(value, ENTRY, "an entry"))
            if key.startswith(b"\0"):
                self._parts[key] = entry
            else:
                yield entry.key, entry

    def _open(self) -> dict[int, MappedFile]:
        stored = [one for one in (*self.entries.values(), *self._parts.values()) if not one.slices]
        shards: dict[int, MappedFile] = {}
        missing: list[Path] = []
        for number in sorted({one.shard for one in stored}):
            if not 0 <= number < self._count:
                raise CorruptFileError(f"names shard {number} of {self._count}")
            name = f"{self.path.stem}.data-{number:05d}-of-{self._count:05d}"
            file = self.path.with_name(name)
            if file.is_file():
                refuse_pointer(file)
                shards[number] = MappedFile(file)
            else:
                missing.append(file)
        if missing:
            raise absent(self.path, missing)
        return shards

    def _check(self) -> None:
        problems = [
            problem
            for one in (*self.entries.values(), *self._parts.values())
            for problem in self._problems(one)
        ]
        if problems:
            raise CorruptFileError(
                "does not fit the files of its values", problems=problems, remedy=_SAVED_AGAIN
            )
        whole = [*(one for one in self.entries.values() if not one.slices), *self._parts.values()]
        claimed = sum(one.nbytes for one in whole)
        held = sum(shard.size for shard in self._shards.values())
        if claimed > held:
            raise CorruptFileError(f"claims {claimed} bytes of values, and its files hold {held}")

    def _problems(self, entry: Entry) -> Iterator[Problem]:
        place = shown(entry.key)
        if entry.slices:
            yield from self._slice_problems(entry)
            return
        size = self._shards[entry.shard].size
        if entry.offset < 0 or entry.nbytes < 0 or entry.nbytes > size - entry.offset:
            text = f"{entry.nbytes} bytes at {entry.offset}, of a file of {size}: it is truncated"
            yield Problem(place, text)
        if entry.dtype not in (None, STRING):
            expected = prod(entry.shape) * numpy_dtype(str(entry.dtype)).itemsize
            if expected != entry.nbytes:
                text = f"{entry.dtype}{list(entry.shape)} takes {expected} bytes, not"
                yield Problem(place, f"{text} {entry.nbytes}")

    def _slice_problems(self, entry: Entry) -> Iterator[Problem]:
        parts = [self._parts.get(slice_key(entry.key.encode(), one)) for one in entry.slices]
        shapes = [part_shape(entry.shape, one) for one in entry.slices]
        for part, shape in zip(parts, shapes, strict=True):
            if part is None or (part.shape, part.dtype) != (shape, entry.dtype):
                yield Problem(shown(entry.key), "is stored in slices that are missing or of others")
                return
        if sum(map(prod, shapes)) != prod(entry.shape):
            yield Problem(shown(entry.key), "is stored in slices that overlap or leave gaps")

    def _joined(self, entry: Entry) -> Array:
        joined = np.empty(entry.shape, numpy_dtype(str(entry.dtype)))
        filled = np.zeros(entry.shape, bool)
        for one in entry.slices:
            key = slice_key(entry.key.encode(), one)
            place = tuple(
                slice(start, None if length < 0 else start + length) for start, length in one
            )
            joined[place] = self._values(self._parts[key], key)
            filled[place] = True
        if not filled.all():
            raise CorruptFileError(f"tensor {shown(entry.key)} has slices that overlap")
        return joined

    def _values(self, entry: Entry, key: bytes) -> Array:
        data = self._bytes(entry)
        if key not in self._verified:
            if masked(data) != entry.checksum:
                raise CorruptFileError(
                    f"tensor {shown(entry.key)} has a wrong checksum: its bytes are damaged",
                    remedy=_SAVED_AGAIN,
                )
            self._verified.add(key)
        if entry.dtype == "bool":
            return np.asarray((data != 0).reshape(entry.shape))
        values = data.view(numpy_dtype(str(entry.dtype))).reshape(entry.shape)
        return values if values.flags.aligned else values.copy()

    def _bytes(self, entry: Entry) -> Array:
        return self._shards[entry.shard].view(entry.offset, entry.offset + entry.nbytes)


def _shard_count(table: Mapping[bytes, memoryview]) -> int:
    value = table.get(b"")
    if value is None:
        raise CorruptFileError("has no header")
    if bytes(value[:1]) == b"\x0a":  # SavedTensorSlices: its first field is a message, not a number
        raise UnreadableError(
            "is a checkpoint of the first version (V1) by the name of another",
            remedy="Take the .index off its name.",
        )
    header = decode(value, HEADER, "the header")
    if header.get("endianness", 0) != 0:
        raise UnreadableError("was written on a big-endian machine", remedy=_SAVED_AGAIN)
    return int(header.get("num_shards", 0))


def entry_of(key: bytes, found: Message) -> Entry:
    """Return the entry that a message describes."""
    name = key.decode() if not key.startswith(b"\0") else repr(key)
    shape = dimensions(found.get("shape", {}))
    if any(size is None or not 0 <= size <= _MAX_DIMENSION for size in shape):
        raise CorruptFileError(f"gives {shown(name)} the shape {list(shape)}")
    if len(shape) > _MAX_RANK:
        raise CorruptFileError(f"gives {shown(name)} {len(shape)} dimensions")
    return Entry(
        key=name,
        dtype=type_name(found.get("dtype", 0)),
        shape=tuple(size or 0 for size in shape),
        shard=found.get("shard_id", 0),
        offset=found.get("offset", 0),
        nbytes=found.get("size", 0),
        checksum=found.get("crc32c", 0),
        slices=tuple(_extents(one, name, len(shape)) for one in found.get("slices", [])),
    )


def _extents(found: Message, name: str, rank: int) -> tuple[Extent, ...]:
    extents = found.get("extent", [])
    if len(extents) != rank:
        raise CorruptFileError(f"gives {shown(name)} slices of {len(extents)} dimensions")
    return tuple((one.get("start", 0), one.get("length", -1)) for one in extents)


def part_shape(shape: tuple[int, ...], extents: tuple[Extent, ...]) -> tuple[int, ...]:
    """Return the shape of a slice, empty where it reaches out of the tensor."""
    sizes = []
    for size, (start, length) in zip(shape, extents, strict=True):
        length = size if (start, length) == (0, -1) else length
        if start < 0 or length < 0 or start + length > size:
            return ()
        sizes.append(length)
    return tuple(sizes)
