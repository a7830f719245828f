"""Checkpoints of the first version (V1), which TensorFlow wrote until 2016 and can still write.

One file, or ``PREFIX-SSSSS-of-NNNNN``, is one table: the key "" lists the tensors, every other key
holds a slice of one, its values as a TensorProto. Values have no checksum of their own; the blocks
of the table have.

Format: ``tensorflow/core/util/saved_tensor_slice.proto`` and ``tensor_slice_writer.cc``, TensorFlow
1.15. Memory: the table; a read decodes one tensor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np

from kport.checkpoint import Array, numpy_dtype
from kport.errors import CorruptFileError, Problem, mapped
from kport.formats._json import shown
from kport.formats._mapped import MappedFile
from kport_compat.tensorbundle._bundle import Bundle, Entry, entry_of, part_shape
from kport_compat.tensorbundle._files import absent, refuse_pointer
from kport_compat.tensorbundle._ordered import slice_key
from kport_compat.tensorbundle._schemas import SHAPE, SLICE
from kport_compat.tensorbundle._table import read_table
from kport_compat.tensorbundle._wire import Field, Schema, decode

__all__ = ["FirstVersion"]

_SHARD = re.compile(r"(.+)-\d{5}-of-(\d{5})")
_TENSOR: Schema = {
    1: Field("name", "text"),
    2: Field("shape", "message", of=SHAPE),
    3: Field("dtype", "int"),
    4: Field("slices", "message", many=True, of=SLICE),
}
_LISTED: Schema = {
    1: Field("meta", "message", of={1: Field("tensors", "message", many=True, of=_TENSOR)})
}
_VALUES: Schema = {
    5: Field("float32", "bytes"),
    6: Field("float64", "bytes"),
    7: Field("integers", "int", many=True),
    9: Field("complex64", "bytes"),
    10: Field("int64", "int", many=True),
    11: Field("bool", "int", many=True),
    13: Field("halves", "int", many=True),
}
_SAVED: Schema = {2: Field("data", "message", of={3: Field("data", "message", of=_VALUES)})}
# dtype -> the field of a TensorProto that has its values, where it is not called the same
_FIELDS = dict.fromkeys(("int8", "int16", "int32", "uint8", "uint16"), "integers")
_HALVES = ("float16", "bfloat16")
_FIELDS |= dict.fromkeys(_HALVES, "halves")


class FirstVersion(Bundle):
    """The tensors of a V1 checkpoint, by their names.

    Arguments:
        file: Its file, or any one of its shards.

    Raises:
        PathNotFoundError: A shard is not there.
        UnreadableError: It is a Git LFS pointer.
        CorruptFileError: It is damaged, or claims more than it holds.
    """

    def __init__(self, file: Path) -> None:
        self.path = file
        self._table: dict[bytes, memoryview] = {}
        entries: dict[str, Entry] = {}
        with mapped(CorruptFileError, "cannot be read", path=file):
            for shard in _shards(file):
                refuse_pointer(shard)
                table = read_table(MappedFile(shard).bytes.data)
                listed = decode(table.pop(b"", b""), _LISTED, "the list of tensors")
                self._table |= table
                for found in listed.get("meta", {}).get("tensors", []):
                    entry = entry_of(found.get("name", "").encode(), found)
                    known = entries.setdefault(entry.key, replace(entry, slices=()))
                    entries[entry.key] = replace(known, slices=known.slices + entry.slices)
            self.entries = entries
            self._parts = dict(self._cut())
            self._refuse_problems()

    def _cut(self) -> Iterator[tuple[bytes, Entry]]:
        for entry in self.entries.values():
            for extents in entry.slices:
                key = slice_key(entry.key.encode(), extents)
                if key in self._table:
                    yield key, replace(entry, shape=part_shape(entry.shape, extents), slices=())

    def _refuse_problems(self) -> None:
        problems = [one for entry in self.entries.values() for one in self._slice_problems(entry)]
        for key, part in self._parts.items():
            if prod(part.shape) > len(self._table[key]):  # a value takes a byte at least
                text = f"{prod(part.shape)} values in {len(self._table[key])} bytes"
                problems.append(Problem(shown(part.key), text))
        if problems:
            raise CorruptFileError("claims what it does not hold", problems=problems)

    def _values(self, entry: Entry, key: bytes) -> Array:
        dtype = str(entry.dtype)
        found = decode(self._table[key], _SAVED, shown(entry.key)).get("data", {}).get("data", {})
        stored = found.get(_FIELDS.get(dtype, dtype), ())
        if isinstance(stored, memoryview):
            values = np.frombuffer(stored, numpy_dtype(dtype))
        elif dtype in _HALVES:
            values = np.array(stored, np.uint16).view(numpy_dtype(dtype))
        else:
            values = np.array(stored, np.int64).astype(numpy_dtype(dtype))
        if values.size != prod(entry.shape):
            text = f"tensor {shown(entry.key)} has {values.size} values for the shape"
            raise CorruptFileError(f"{text} {list(entry.shape)}")
        return values.reshape(entry.shape)


def _shards(file: Path) -> list[Path]:
    match = _SHARD.fullmatch(file.name)
    if match is None:
        return [file]
    names = (f"{match[1]}-{at:05d}-of-{match[2]}" for at in range(int(match[2])))
    shards = [file.with_name(name) for name in names]
    missing = [one for one in shards if not one.is_file()]
    if missing:
        raise absent(file, missing)
    return shards
