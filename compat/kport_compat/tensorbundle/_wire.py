"""Decode protobuf messages by a schema, and step over everything the schema does not name.

A schema lists the few fields kport wants; the graphs, nine tenths of a ``saved_model.pb``, are
never looked into. Memory: about a hundred bytes a field that is named.

Format: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kport.errors import CorruptFileError, mapped
from kport_compat.tensorbundle._varint import Bytes, read_varint

__all__ = ["Field", "Message", "Schema", "decode"]

MAX_FIELDS = 10_000_000  # of one message and all below: half a minute of decoding at worst
_MAX_DEPTH = 64  # messages in messages; protobuf's own limit is 100

_VARINT, _FIXED64, _BYTES, _GROUP, _GROUP_END, _FIXED32 = range(6)

Message = dict[str, Any]
"""Field name -> value; a field that is absent is left out, a repeated one is a list."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message.

    Arguments:
        name: Its key in the decoded message.
        kind: What its bytes mean; ``int`` is signed, ``map`` goes from text to `of`.
        many: Whether it is repeated.
        of: The schema of the message, for ``message`` and ``map``; a map to text has none.
    """

    name: str
    kind: Literal["int", "bool", "fixed32", "text", "bytes", "message", "map"]
    many: bool = False
    of: Schema | None = None


Schema = Mapping[int, Field]


def decode(data: Bytes, schema: Schema, what: str) -> Message:
    r"""Return a message.

    Arguments:
        data: Its bytes.
        schema: Field number -> field.
        what: What is decoded, for the error; empty where it is the file itself.

    Raises:
        CorruptFileError: It is cut off, nested too deep, or its fields are of other types.

    Example:
        >>> decode(b"\x08\x07\x12\x01a", {1: Field("id", "int"), 2: Field("name", "text")}, "node")
        {'id': 7, 'name': 'a'}
    """
    try:
        with mapped(CorruptFileError, "is no protobuf message of the kind expected"):
            return _Decoder().message(memoryview(data), schema, 0)
    except CorruptFileError as error:
        raise CorruptFileError(f"{what} {error.message}".strip()) from error.__cause__


class _Decoder:
    def __init__(self) -> None:
        self.count = 0

    def message(self, data: memoryview, schema: Schema, depth: int) -> Message:
        if depth > _MAX_DEPTH:
            raise CorruptFileError("holds messages nested beyond reason")
        found: Message = {}
        for number, wire, value in self.fields(data):
            field = schema.get(number)
            if field is None:
                continue
            if field.kind == "map":
                key, item = self.entry(value, wire, field, depth)
                found.setdefault(field.name, {})[key] = item
            elif field.many:
                found.setdefault(field.name, []).extend(self.values(value, wire, field, depth))
            else:
                found[field.name] = self.value(value, wire, field, depth)
        return found

    def fields(self, data: memoryview) -> Iterator[tuple[int, int, Any]]:
        """Yield number, wire type and raw value: an int or a view."""
        at, end = 0, len(data)
        while at < end:
            self.count += 1
            if self.count > MAX_FIELDS:
                raise CorruptFileError(f"holds more than {MAX_FIELDS} protobuf fields")
            tag, at = read_varint(data, at)
            wire = tag & 7
            if wire == _VARINT:
                value, at = read_varint(data, at)
                yield tag >> 3, wire, value
                continue
            if wire == _BYTES:
                length, at = read_varint(data, at)
            elif wire in (_FIXED64, _FIXED32):
                length = 8 if wire == _FIXED64 else 4
            else:
                raise CorruptFileError(f"holds a protobuf field of the unknown wire type {wire}")
            if length > end - at:
                raise CorruptFileError(
                    f"holds a protobuf field of {length} bytes where {end - at} are left"
                )
            yield tag >> 3, wire, data[at : at + length]
            at += length

    def values(self, value: Any, wire: int, field: Field, depth: int) -> Iterator[Any]:
        if field.kind == "int" and wire == _BYTES:  # packed
            at = 0
            while at < len(value):
                number, at = read_varint(value, at)
                self.count += 1
                yield _signed(number)
        else:
            yield self.value(value, wire, field, depth)

    def value(self, value: Any, wire: int, field: Field, depth: int) -> Any:
        if wire != _WIRE[field.kind]:
            raise CorruptFileError(f"holds {field.name!r} as protobuf wire type {wire}")
        match field.kind:
            case "int":
                return _signed(value)
            case "bool":
                return bool(value)
            case "fixed32":
                return int.from_bytes(value, "little")
            case "text":
                return str(value, "utf-8")
            case "bytes":
                return value
            case _:
                return self.message(value, field.of or {}, depth + 1)

    def entry(self, value: Any, wire: int, field: Field, depth: int) -> tuple[str, Any]:
        schema = {1: Field("key", "text"), 2: Field("value", "text")}
        if field.of is not None:
            schema[2] = Field("value", "message", of=field.of)
        pair = self.value(value, wire, Field(field.name, "message", of=schema), depth)
        return pair.get("key", ""), pair.get("value", "" if field.of is None else {})


_WIRE = {
    "int": _VARINT,
    "bool": _VARINT,
    "fixed32": _FIXED32,
    "text": _BYTES,
    "bytes": _BYTES,
    "message": _BYTES,
}


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
