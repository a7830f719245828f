"""Superblocks and object headers: where the root is, and the messages of an object.

Source: HDF5 File Format Specification 3.0, sections II.A (superblock) and IV.A.1 (object header).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kport.errors import CorruptFileError, UnreadableError
from kport.formats._mapped import Backing
from kport.formats.hdf5._checksum import check
from kport.formats.hdf5._image import NOWHERE, Cursor, Image

__all__ = ["SIGNATURE", "SIGNATURE_PLACES", "Message", "messages", "opened"]

SIGNATURE = b"\x89HDF\r\n\x1a\n"
SIGNATURE_PLACES = (0, 512, 1024, 2048)  # a user block may stand before it; doubling from 512 on

_CONTINUATION = 0x10
_SHARED, _MUST_BE_KNOWN = 0x02, 0x80  # flags of a message
_KNOWN = 0x18  # the first number that no message of the format has
_OPEN_FOR_WRITING = 0x01


class Message(NamedTuple):
    """One thing said of an object.

    Arguments:
        kind: Its number in the specification.
        data: What it says.
    """

    kind: int
    data: bytes


def opened(backing: Backing, begin: int, size: int) -> tuple[Image, int]:
    """Return the image of a file, and the address of its root group.

    Arguments:
        backing: See `Image`.
        begin: See `Image`.
        size: See `Image`.

    Raises:
        CorruptFileError: It is no HDF5 file, or is cut off.
        UnreadableError: Its addresses are not of eight bytes, as all that h5py writes are.
    """
    images = (Image(backing, begin, size, one) for one in SIGNATURE_PLACES if one + 8 <= size)
    image = next((one for one in images if one.peek(0, 8, "").data == SIGNATURE), None)
    if image is None:
        raise CorruptFileError("is no HDF5 file")
    version = image.peek(8, 1, "the superblock").number(1)
    read = {0: _superblock_0, 1: _superblock_0, 2: _superblock_2, 3: _superblock_2}.get(version)
    if read is None:
        raise UnreadableError(f"is HDF5 with a superblock of version {version}")
    root, end = read(image, version)
    if end > size:
        raise CorruptFileError(f"is truncated: {size} bytes are there of {end}")
    return image, root


def _superblock_0(image: Image, version: int) -> tuple[int, int]:
    cursor = image.block(0, 96 + 4 * version, "the superblock")
    cursor.take(13)
    _sizes(cursor)
    cursor.take(9 + 4 * version)
    _, _, end, _ = (cursor.number() for _ in range(4))
    cursor.take(8)
    return cursor.number(), end


def _superblock_2(image: Image, version: int) -> tuple[int, int]:
    cursor = image.block(0, 48, "the superblock")
    cursor.take(9)
    _sizes(cursor)
    if cursor.number(1) & _OPEN_FOR_WRITING and version == 3:
        raise CorruptFileError("was not closed by the program that wrote it")
    _, _, end, root = (cursor.number() for _ in range(4))
    check(cursor)
    return root, end


def _sizes(cursor: Cursor) -> None:
    if (cursor.number(1), cursor.number(1)) != (8, 8):
        raise UnreadableError("is HDF5 with addresses or lengths of other than eight bytes")


def messages(image: Image, address: int) -> list[Message]:
    """Return the messages of the object whose header is there.

    Raises:
        CorruptFileError: None is, or it is damaged.
        UnreadableError: It has a message that no reader may pass over, or shares one with others.
    """
    newer = image.peek(address, 4, "an object").data == b"OHDR"
    found, waiting = (_first_2 if newer else _first_1)(image, address)
    for place, size in waiting:  # which grows in the loop
        cursor = image.block(place, size, "the rest of an object")
        if newer:
            cursor.expect(b"OCHK")
        part = list(_parts(cursor, newer, found[0]))
        found[1].extend(part)
        waiting.extend(_continuations(part))
    return found[1]


Found = tuple[int, list[Message]]


def _first_1(image: Image, address: int) -> tuple[Found, list[tuple[int, int]]]:
    prefix = image.block(address, 16, "an object")
    version, _, _, _, size = (prefix.number(n) for n in (1, 1, 2, 4, 4))
    if version != 1:
        raise CorruptFileError(f"an object at byte {address} is of version {version}")
    found = list(_parts(image.block(address + 16, size, "an object"), False, 0))
    return (0, found), _continuations(found)


def _first_2(image: Image, address: int) -> tuple[Found, list[tuple[int, int]]]:
    flags = image.peek(address, 6, "an object").data[5]
    before = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    prefix = image.peek(address, before + width, "an object")
    prefix.take(before)
    size = prefix.number(width)
    cursor = image.block(address, before + width + size + 4, "an object")
    cursor.expect(b"OHDR\x02")
    cursor.take(before + width - 5)
    found = list(_parts(cursor, True, flags))
    return (flags, found), _continuations(found)


def _parts(cursor: Cursor, newer: bool, flags: int) -> Iterator[Message]:
    """Yield the messages in one block of a header."""
    head, end = (4 + (2 if flags & 4 else 0), 4) if newer else (8, 0)
    while cursor.left - end >= head:
        kind, size, told = cursor.number(1 if newer else 2), cursor.number(2), cursor.number(1)
        cursor.take(head - (4 if newer else 5))
        if size > cursor.left - end:
            raise CorruptFileError("an object has a message that is cut off")
        data = cursor.take(size)
        if told & _SHARED:
            raise UnreadableError("shares parts of its description with other objects")
        if told & _MUST_BE_KNOWN and kind >= _KNOWN:
            raise UnreadableError(f"is HDF5 of a newer kind, with messages of number {kind}")
        yield Message(kind, data)
    if newer:
        cursor.take(cursor.left - end)
        check(cursor)


def _continuations(found: list[Message]) -> list[tuple[int, int]]:
    pairs = []
    for message in found:
        if message.kind == _CONTINUATION:
            cursor = Cursor(message.data, "an object")
            pairs.append((cursor.number(), cursor.number()))
    return [(place, size) for place, size in pairs if place != NOWHERE]
