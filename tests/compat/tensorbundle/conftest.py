"""A writer of small tables, so that a checksum is right where the content is hostile."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from kport.errors import KportError
from kport_compat.tensorbundle._crc32c import masked

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "tensorflow"
MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field, value):
    return varint(field << 3) + varint(value)


def text(field, value):
    return varint(field << 3 | 2) + varint(len(value)) + value


def shape(*sizes):
    return b"".join(text(2, number(1, size)) for size in sizes)


def entry(dtype=1, sizes=(2,), shard=0, offset=0, size=8, crc=0, more=b""):
    fields = [number(1, dtype), text(2, shape(*sizes)), number(3, shard), number(4, offset)]
    return b"".join([*fields, number(5, size), b"\x35" + crc.to_bytes(4, "little"), more])


def rows(pairs):
    return b"".join(
        b"\0" + varint(len(key)) + varint(len(value)) + key + value for key, value in pairs
    )


def block(content):
    return content + bytes(4) + (1).to_bytes(4, "little")


def table(pairs, *, content=None, kind=0, handle=None):
    """Return a table of one data block; the arguments replace its parts."""
    data = block(rows(pairs)) if content is None else content
    out = stamped(data, kind)
    meta = len(out)
    out += stamped(block(b""))
    index = len(out)
    place = varint(0) + varint(len(data)) if handle is None else handle
    listing = block(rows([(b"\xff", place)]))
    out += stamped(listing)
    footer = varint(meta) + varint(8) + varint(index) + varint(len(listing))
    return out + footer.ljust(40, b"\0") + MAGIC


def stamped(content, kind=0):
    content += bytes([kind])
    return content + masked(content).to_bytes(4, "little")


def attempt(read, *arguments):
    """Return the result and no error, or no result and the error of kport."""
    try:
        return read(*arguments), None
    except KportError as error:
        return None, error


HEADER = (b"", number(1, 1))
VALUES = np.array([1, 2], "<f4").tobytes()
GOOD = (b"w", entry(crc=masked(VALUES)))


@pytest.fixture
def write(tmp_path):
    """Write an index and one shard; returns the index."""

    def write(index=None, values=VALUES):
        path = tmp_path / "ckpt.index"
        path.write_bytes(table([HEADER, GOOD]) if index is None else index)
        if values is not None:
            (tmp_path / "ckpt.data-00000-of-00001").write_bytes(values)
        return path

    return write


@pytest.fixture
def golden(tmp_path):
    """Copy a golden folder, to be changed."""

    def golden(name):
        return Path(shutil.copytree(GOLDEN / name, tmp_path / name))

    return golden
