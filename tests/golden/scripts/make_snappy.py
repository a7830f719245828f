"""Pack the blocks of an index as some writers of checkpoints do, with an independent Snappy.

python make_snappy.py PLAIN.index PACKED.index, with cramjam 2.14.0 and kport installed.
"""

import sys
from pathlib import Path

import cramjam

from kport_compat.tensorbundle._crc32c import masked
from kport_compat.tensorbundle._table import FOOTER, _block, _entries, _handles


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def packed(content):
    body = bytes(cramjam.snappy.compress_raw(content)) + b"\x01"
    return body + masked(body).to_bytes(4, "little")


def main(source, target):
    data = memoryview(Path(source).read_bytes())
    out, rows = b"", b""
    meta, index = _handles(data[-FOOTER:], 2)
    for key, handle in _entries(_block(data, index)):
        block = packed(bytes(_block(data, _handles(handle, 1)[0])))
        place = varint(len(out)) + varint(len(block) - 5)
        rows += b"\0" + varint(len(key)) + varint(len(place)) + key + place
        out += block
    footer = b""
    for content in (bytes(_block(data, meta)), rows + bytes(4) + (1).to_bytes(4, "little")):
        block = packed(content)
        footer += varint(len(out)) + varint(len(block) - 5)
        out += block
    Path(target).write_bytes(out + footer.ljust(40, b"\0") + bytes(data[-8:]))


main(*sys.argv[1:])
