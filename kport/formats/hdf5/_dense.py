"""Links and attributes of which an object has many: a fractal heap, and a B-tree that lists it.

The objects are found by the list and not by their hashes. Source: HDF5 File Format Specification
3.0, sections III.A.2 (B-trees, version 2) and III.G (fractal heaps).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from kport.errors import CorruptFileError, UnreadableError
from kport.formats.hdf5._checksum import check
from kport.formats.hdf5._image import NOWHERE, Cursor, Image

__all__ = ["dense_objects"]

_CHECKED_BLOCKS = 0x02
_MAX_DEPTH = 16  # each level is ten times as many; the library makes nodes of 512 bytes


def dense_objects(image: Image, heap: int, tree: int, kind: int, skipped: int) -> Iterator[bytes]:
    """Yield the bytes of every object in a heap.

    Arguments:
        image: The file.
        heap: Where its header is.
        tree: Where the header of the list is.
        kind: The kind of its records.
        skipped: Bytes of a record before the place in the heap.

    Raises:
        CorruptFileError: Either is damaged.
        UnreadableError: The heap is compressed, or has objects outside of its blocks.
    """
    held = _heap(image, heap)
    for record in _records(image, tree, kind):
        yield held.object_at(record[skipped:])


class _Heap:
    """The objects of a heap, which are disjoint: more bytes than it has are never given."""

    def __init__(self, blocks: dict[int, bytes], offset_size: int, length_size: int) -> None:
        self._starts, self._blocks = sorted(blocks), blocks
        self._left = sum(map(len, blocks.values()))
        self._offset_size, self._length_size = offset_size, length_size

    def object_at(self, place: bytes) -> bytes:
        cursor = Cursor(place, "a place in a heap")
        if cursor.number(1):
            raise UnreadableError("keeps a name or an attribute outside of its heap")
        offset, size = cursor.number(self._offset_size), cursor.number(self._length_size)
        index = bisect_right(self._starts, offset) - 1
        start = self._starts[index] if index >= 0 else offset
        data = self._blocks.get(start, b"")[offset - start : offset - start + size]
        self._left -= size
        if len(data) != size or self._left < 0:
            raise CorruptFileError("a heap does not hold what its list says")
        return data


@dataclass(frozen=True, slots=True)
class _Table:
    """How the blocks of a heap grow: two rows of the first size, then twice the size each."""

    width: int
    first: int
    direct_rows: int
    offset_size: int
    checked: bool

    def size(self, row: int) -> int:
        return self.first << max(0, row - 1)


def _heap(image: Image, address: int) -> _Heap:
    header = image.block(address, 146, "a heap")
    header.expect(b"FRHP\0")
    _, filters, flags, largest_object = (header.number(n) for n in (2, 2, 1, 4))
    if filters:
        raise UnreadableError("compresses names or attributes")
    header.take(96)
    width, first, largest, bits = (header.number(n) for n in (2, 8, 8, 2))
    header.take(2)
    root, rows = header.number(), header.number(2)
    check(header)
    if not width or not first or not 0 < bits <= 64 or largest < first or rows > 64:
        raise CorruptFileError("a heap has blocks of no size")
    offset_size = (bits + 7) // 8
    direct_rows = largest.bit_length() - first.bit_length() + 2
    table = _Table(width, first, direct_rows, offset_size, bool(flags & _CHECKED_BLOCKS))
    length_size = min((largest.bit_length() + 6) // 8, (largest_object.bit_length() + 7) // 8)
    blocks: dict[int, bytes] = {}
    if root != NOWHERE and rows:
        _indirect(image, root, rows, 0, table, blocks)
    elif root != NOWHERE:
        _direct(image, root, first, 0, table, blocks)
    return _Heap(blocks, offset_size, length_size)


def _direct(
    image: Image, address: int, size: int, offset: int, table: _Table, blocks: dict[int, bytes]
) -> None:
    block = image.block(address, size, "a block of a heap")
    block.expect(b"FHDB\0")
    block.take(8)
    if block.number(table.offset_size) != offset:
        raise CorruptFileError("a block of a heap is out of its place")
    if table.checked:  # over the whole block, with zeros where the checksum is
        at = block.at
        data = block.data[:at] + bytes(4) + block.data[at + 4 :]
        whole = Cursor(data + block.take(4), block.what)
        whole.take(len(data))
        check(whole)
    blocks[offset] = block.data


def _indirect(
    image: Image, address: int, rows: int, offset: int, table: _Table, blocks: dict[int, bytes]
) -> None:
    size = 17 + table.offset_size + 8 * table.width * rows
    block = image.block(address, size, "a block of a heap")
    block.expect(b"FHIB\0")
    block.take(8)
    if block.number(table.offset_size) != offset:
        raise CorruptFileError("a block of a heap is out of its place")
    children = [block.number() for _ in range(table.width * rows)]
    check(block)
    for index, child in enumerate(children):
        row = index // table.width
        size = table.size(row)
        if child == NOWHERE:
            pass
        elif row < table.direct_rows:
            _direct(image, child, size, offset, table, blocks)
        else:
            below = size.bit_length() - (table.first * table.width).bit_length() + 1
            _indirect(image, child, below, offset, table, blocks)
        offset += size


def _records(image: Image, address: int, kind: int) -> Iterator[bytes]:
    header = image.block(address, 38, "a list")
    header.expect(b"BTHD\0" + bytes((kind,)))
    node_size, size, depth = (header.number(n) for n in (4, 2, 2))
    header.take(2)
    root, count, _ = header.number(), header.number(2), header.number()
    check(header)
    if not 0 < size < node_size - 10 or depth > _MAX_DEPTH:
        raise CorruptFileError("a list has nodes of no size, or too many on top of each other")
    yield from _node(image, root, count, depth, _Shape(image, node_size, size)) if count else ()


class _Shape:
    """How many bytes the numbers in the nodes of a list take.

    Source: `H5B2__hdr_init` (src/H5B2hdr.c of HDF5 1.14).
    """

    def __init__(self, image: Image, node_size: int, record: int) -> None:
        self.node_size, self.record = node_size, record
        self.most = (node_size - 10) // record
        self.count_size = _width(self.most)

    def total_size(self, depth: int) -> int:
        """Bytes of the number of records below a child, of a node of some depth."""
        total, size = self.most, 0
        for _ in range(depth - 1):
            pointer = 8 + self.count_size + size
            most = (self.node_size - 10 - pointer) // (self.record + pointer)
            total = (most + 1) * total + most
            size = _width(total)
        return size


def _width(number: int) -> int:
    return (number.bit_length() - 1) // 8 + 1


def _node(image: Image, address: int, count: int, depth: int, shape: _Shape) -> Iterator[bytes]:
    inner = depth > 0
    total_size = shape.total_size(depth)
    pointers = (count + 1) * (8 + shape.count_size + total_size) if inner else 0
    node = image.block(address, 10 + count * shape.record + pointers, "a list")
    node.expect(b"BTIN\0" if inner else b"BTLF\0")
    node.take(1)
    records = [node.take(shape.record) for _ in range(count)]
    children = []
    for _ in range(count + 1 if inner else 0):
        children.append((node.number(), node.number(shape.count_size)))
        node.take(total_size)
    check(node)
    yield from records
    for child, held in children:
        yield from _node(image, child, held, depth - 1, shape)
