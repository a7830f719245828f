"""The header of a safetensors file: one JSON object that says where each tensor lies.

::

    8 bytes   length N of the header, unsigned, little-endian
    N bytes   {"__metadata__": {string: string},
               NAME: {"dtype": TAG, "shape": [...], "data_offsets": [start, stop]}, ...}
              UTF-8, begins with "{", may end in spaces
    the rest  the values, little-endian, C order; offsets count from here

The values tile the rest exactly: no hole, no overlap, nothing behind them. The official reader
checks this too; kport also refuses a key given twice and a field it does not know, which the
official one passes over in silence.

Source: https://github.com/huggingface/safetensors#format.
Memory: a header is at most 100 MB, and parsed takes up to some ten times that.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from kport.checkpoint import Checker
from kport.errors import CorruptFileError, Problem, SaveError, UnsafeFileError
from kport.formats._json import dump_line, dump_shape, parse_json, shown
from kport.formats.safetensors._dtypes import BITS, NAMES

__all__ = [
    "ALIGNMENT",
    "LENGTH_BYTES",
    "MAX_READ_BYTES",
    "MAX_WRITE_BYTES",
    "METADATA",
    "Entry",
    "Header",
    "parse_header",
    "render_header",
    "validate_header",
]

LENGTH_BYTES = 8
MAX_READ_BYTES = 100_000_000  # the official reader refuses more
MAX_WRITE_BYTES = 25_000_000  # huggingface_hub reads no more from the Hub (its constants.py)
ALIGNMENT = 64  # of the first value: what SIMD loads and device copies of any backend ask for
METADATA = "__metadata__"
_MAX_BYTES = 1 << 62  # beyond any file; NumPy cannot count larger arrays even where they are empty


class Entry(NamedTuple):
    """Where one tensor lies.

    Arguments:
        tag: The file's word for the dtype.
        shape: The shape, ``()`` for a scalar.
        start: First byte, counted from the first value of the file.
        stop: One beyond the last byte.
    """

    tag: str
    shape: tuple[int, ...]
    start: int
    stop: int

    @property
    def dtype(self) -> str | None:
        """The dtype as kport names it; None where Keras has no such dtype."""
        return NAMES.get(self.tag)


@dataclass(frozen=True, slots=True)
class Header:
    """What a header says.

    Arguments:
        metadata: Free strings.
        entries: Name -> tensor, in the order of the bytes.
    """

    metadata: Mapping[str, str] = field(default_factory=dict)
    entries: Mapping[str, Entry] = field(default_factory=dict)


def validate_header(header: bytes, data_size: int) -> list[Problem]:
    """Return everything that is wrong with a header; empty when it is valid.

    Arguments:
        header: The JSON, without the length before it.
        data_size: Bytes behind it in the file.
    """
    try:
        return _examine(header, data_size)[1]
    except CorruptFileError as error:
        return [Problem("header", error.message)]


def parse_header(header: bytes, data_size: int, only: Container[str] | None = None) -> Header:
    """Return what a header says, of all tensors or of some.

    Raises:
        CorruptFileError: With every problem of `validate_header`.
        UnsafeFileError: The header is longer than any honest one.
    """
    if len(header) > MAX_READ_BYTES:
        raise UnsafeFileError(_too_long(len(header), MAX_READ_BYTES))
    parsed, problems = _examine(header, data_size, only)
    if problems:
        raise CorruptFileError("the safetensors header is not valid", problems=problems)
    return parsed


def render_header(entries: Mapping[str, Entry], metadata: Mapping[str, str]) -> bytes:
    """Return length and header, padded with spaces so that the first value is aligned.

    Raises:
        SaveError: It would be longer than other tools read.
    """
    fields = {name: _rendered(entry) for name, entry in entries.items()}
    if metadata:
        fields[METADATA] = dump_line(metadata)
    rows = ",".join(f"{dump_line(name)}:{fields[name]}" for name in sorted(fields))
    text = f"{{{rows}}}".encode()
    text += b" " * (-(LENGTH_BYTES + len(text)) % ALIGNMENT)
    if len(text) > MAX_WRITE_BYTES:
        raise SaveError(
            _too_long(len(text), MAX_WRITE_BYTES) + f" (it names {len(entries)} tensors)",
            remedy="Spread the tensors over more files: give a smaller shard_size.",
        )
    return struct.pack("<Q", len(text)) + text


def _rendered(entry: Entry) -> str:
    place = f"[{entry.start},{entry.stop}]"
    shape = dump_shape(entry.shape)
    return f'{{"data_offsets":{place},"dtype":"{entry.tag}","shape":{shape}}}'


def _too_long(size: int, limit: int) -> str:
    return f"the safetensors header is {size} bytes, and at most {limit} are allowed"


def _examine(
    header: bytes, data_size: int, only: Container[str] | None = None
) -> tuple[Header, list[Problem]]:
    check = Checker()
    if not header.startswith(b"{"):
        check.say("header", f"begins with {header[:8]!r}, expected '{{'")
        return Header(), check.problems
    fields = check.mapping(parse_json(header, "the safetensors header"), "header")
    metadata = check.mapping(fields.pop(METADATA, {}), METADATA)
    for key, value in metadata.items():
        if not isinstance(value, str):
            check.say(f"{METADATA}[{shown(key)}]", "is no string", "type")
    entries = {
        name: _entry(check, value, name)
        for name, value in fields.items()
        if only is None or name in only
    }
    if not check.problems:
        (_check_tiling if only is None else _check_ends)(check, entries, data_size)
    ordered = {name: entries[name] for name in _by_place(entries)}
    return Header(metadata, ordered), check.problems


def _by_place(entries: Mapping[str, Entry]) -> list[str]:
    return sorted(entries, key=lambda name: (entries[name].start, entries[name].stop))


def _entry(check: Checker, value: object, name: str) -> Entry:
    place = f"tensors[{shown(name)}]"
    fields = check.mapping(value, place)
    if not isinstance(value, dict):
        return Entry("", (), 0, 0)
    for key in sorted(set(fields) - {"dtype", "shape", "data_offsets"}):
        check.say(f"{place}[{shown(key)}]", "is not a field of the format", "unexpected")
    tag = check.one_of(fields.get("dtype"), BITS, f"{place}.dtype")
    found = check.shape(fields.get("shape"), f"{place}.shape")
    shape = tuple(size for size in found if size is not None)
    offsets = fields.get("data_offsets")
    if not isinstance(offsets, list) or len(offsets) != 2:
        check.say(f"{place}.data_offsets", "is no pair [start, stop]", "type")
        return Entry(tag, shape, 0, 0)
    start, stop = (check.integer(one, f"{place}.data_offsets") for one in offsets)
    if tag:
        _check_size(check, Entry(tag, shape, start, stop), place)
    return Entry(tag, shape, start, stop)


def _check_size(check: Checker, entry: Entry, place: str) -> None:
    if math.prod(max(size, 1) for size in entry.shape) * BITS[entry.tag] > 8 * _MAX_BYTES:
        check.say(f"{place}.shape", f"is {list(entry.shape)}, larger than any array", "shape")
        return
    bits = math.prod(entry.shape) * BITS[entry.tag]
    if bits != 8 * (entry.stop - entry.start):
        size = f"{bits // 8} bytes" if bits % 8 == 0 else f"{bits} bits"
        check.say(
            f"{place}.data_offsets",
            f"span {entry.stop - entry.start} bytes [{entry.start}, {entry.stop}], and "
            f"{entry.tag}{list(entry.shape)} takes {size}",
            "shape",
        )


def _check_ends(check: Checker, entries: Mapping[str, Entry], data_size: int) -> None:
    for name, entry in entries.items():
        if entry.stop > data_size:
            place = f"tensors[{shown(name)}].data_offsets"
            check.say(place, f"end at {entry.stop}, and there are {data_size} bytes of values")


def _check_tiling(check: Checker, entries: Mapping[str, Entry], data_size: int) -> None:
    end = 0
    for name in _by_place(entries):
        entry = entries[name]
        if entry.start != end:
            what = "leaves a hole" if entry.start > end else "overlaps the one before it"
            place = f"tensors[{shown(name)}].data_offsets"
            check.say(place, f"begins at {entry.start} and {what}; expected {end}")
        end = max(end, entry.stop)
    if end != data_size:
        what = "is truncated" if end > data_size else "has bytes that belong to no tensor"
        check.say("file", f"{what}: {data_size} bytes of values, and the header describes {end}")
