"""Read a table of sorted keys and values: the ``.index`` of a checkpoint, or a whole V1 one.

::

    [data block + trailer]... [metaindex block + trailer] [index block + trailer] [footer]

    block    [varint shared][varint unshared][varint length][rest of key][value] ...
             then uint32 restart offsets and their uint32 count
    trailer  byte 0 (plain) or 1 (Snappy), masked CRC-32C of block and byte
    footer   48 bytes: varint offset and size of metaindex and of index, zeros, magic

Format: https://github.com/google/leveldb/blob/main/doc/table_format.md and
``tsl/lib/io/format.cc`` of TensorFlow 2.15. Every checksum is verified. Memory: all keys, and views
of the values; a table is as large as a name and some forty bytes for each tensor.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kport.errors import CorruptFileError, mapped
from kport_compat.tensorbundle._crc32c import masked
from kport_compat.tensorbundle._snappy import unpack
from kport_compat.tensorbundle._varint import Bytes, read_varint

__all__ = ["FOOTER", "is_table", "read_table"]

FOOTER = 48
_MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
_TRAILER = 5
_PLAIN, _SNAPPY = 0, 1
_MAX_KEY = 65_536  # a key is a path of attributes; TensorFlow's own names stay far below
_MAX_KEYS = 256_000_000  # bytes of all keys: they share beginnings on disk and not in memory


def is_table(tail: bytes) -> bool:
    """Say whether these are the last bytes of a table."""
    return len(tail) >= FOOTER and tail.endswith(_MAGIC)


def read_table(data: Bytes) -> dict[bytes, memoryview]:
    """Return every key with its value, in the order of the keys.

    Raises:
        CorruptFileError: It is no table, cut off, or a checksum, an offset or the order is wrong.
    """
    view = memoryview(data)
    if not is_table(bytes(view[-FOOTER:])):
        raise CorruptFileError("does not end as an index of a checkpoint does: it is cut off")
    with mapped(CorruptFileError, "has a damaged index"):
        return _read(view)


def _read(data: memoryview) -> dict[bytes, memoryview]:
    places = _handles(data[-FOOTER:], 2)
    left = len(data) - FOOTER
    found: dict[bytes, memoryview] = {}
    last, size = b"", 0
    for _, handle in _entries(_block(data, places[1])):
        place = _handles(handle, 1)[0]
        left -= place[1] + _TRAILER
        if left < 0:
            raise CorruptFileError("has an index whose blocks overlap")
        for key, value in _entries(_block(data, place)):
            size += len(key)
            if (found and key <= last) or size > _MAX_KEYS:
                raise CorruptFileError("has an index whose keys are out of order or beyond reason")
            found[key] = value
            last = key
    return found


def _handles(data: memoryview, count: int) -> list[tuple[int, int]]:
    handles, at = [], 0
    for _ in range(count):
        offset, at = read_varint(data, at)
        size, at = read_varint(data, at)
        handles.append((offset, size))
    return handles


def _block(data: memoryview, place: tuple[int, int]) -> memoryview:
    offset, size = place
    end = len(data) - FOOTER - _TRAILER
    if offset > end or size > end - offset:
        raise CorruptFileError(f"has an index block of {size} bytes at {offset}, out of the file")
    kind = data[offset + size]
    stored = int.from_bytes(data[offset + size + 1 : offset + size + _TRAILER], "little")
    if masked(np.frombuffer(data[offset : offset + size + 1], np.uint8)) != stored:
        raise CorruptFileError(f"has an index block at byte {offset} whose checksum is wrong")
    if kind not in (_PLAIN, _SNAPPY):
        raise CorruptFileError(f"has an index block of the unknown compression {kind}")
    block = data[offset : offset + size]
    return block if kind == _PLAIN else memoryview(unpack(block))


def _entries(block: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    if len(block) < 4:
        raise CorruptFileError("has an index block without its end")
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 * (restarts + 1)
    if end < 0:
        raise CorruptFileError("has an index block that claims more restarts than it has bytes")
    at, key = 0, b""
    block = block[:end]
    while at < end:
        shared, at = read_varint(block, at)
        unshared, at = read_varint(block, at)
        length, at = read_varint(block, at)
        if shared > len(key) or shared + unshared > _MAX_KEY or unshared + length > end - at:
            raise CorruptFileError("has an index entry that reaches out of its block")
        key = key[:shared] + bytes(block[at : at + unshared])
        at += unshared + length
        yield key, block[at - length : at]
