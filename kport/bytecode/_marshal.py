"""Read a marshalled code object without the interpreter's own reader, which trusts its input.

Format: ``Python/marshal.c`` of CPython 2.7 to 3.12. The fields of a code object changed in 3.0,
3.8 and 3.11; the file does not say which Python wrote it, so each order is tried and checked.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kport.errors import CorruptFileError, mapped

__all__ = ["Code", "read_code"]

_MAX_TEXT = 400_000  # characters of one function; real ones have some hundreds
_MAX_OBJECTS = 20_000
_MAX_DEPTH = 40
_REF = 0x80


@dataclass(frozen=True, slots=True)
class Code:
    """A code object.

    Arguments:
        name: The function's name; ``<lambda>`` for most.
        arguments: How many arguments it takes by place.
        variables: Names of its arguments and variables, those of outer functions last.
        names: The global names and attributes it uses.
        constants: Its constants; an inner function is a `Code`.
        instructions: The bytes of its instructions.
        layout: The oldest Python with this order of fields: ``2.7``, ``3.0``, ``3.8``, ``3.11``.
    """

    name: str
    arguments: int
    variables: tuple[str, ...]
    names: tuple[str, ...]
    constants: tuple[Any, ...]
    instructions: bytes
    layout: str


def read_code(text: str) -> Code:
    """Return the code object that Keras wrote as text, base64 or, up to Keras 2.1, raw.

    Raises:
        CorruptFileError: It is none, or of a Python this reader does not know.
    """
    if not isinstance(text, str) or len(text) > _MAX_TEXT:
        raise CorruptFileError("is no function that Keras could have written")
    for data in _decoded(text):
        for layout in _LAYOUTS:
            found = _read(data, layout)
            if found is not None:
                return found
    raise CorruptFileError("is no code object of Python 2.7 to 3.12")


def _decoded(text: str) -> list[bytes]:
    found = []
    with suppress(ValueError):  # as binascii's and Unicode's errors are
        found.append(base64.b64decode("".join(text.split()), validate=True))
    with suppress(ValueError):
        found.append(text.encode("raw_unicode_escape"))
    return found


def _read(data: bytes, layout: str) -> Code | None:
    try:
        with mapped(CorruptFileError, "is no code object"):
            reader = _Reader(data, layout)
            found = reader.item(0)
            return found if isinstance(found, Code) and reader.at == len(data) else None
    except (CorruptFileError, struct.error):
        return None


# i: a number, o: an object. The order of fields up to and including the instructions' end.
_LAYOUTS = {
    "3.11": "arguments positional keywords stack flags | code constants names variables kinds file "
    "name qualified | line | table exceptions",
    "3.8": "arguments positional keywords locals stack flags | code constants names variables free "
    "cells file name | line | table",
    "3.0": "arguments keywords locals stack flags | code constants names variables free cells file "
    "name | line | table",
    "2.7": "arguments locals stack flags | code constants names variables free cells file name "
    "| line | table",
}


class _Reader:
    def __init__(self, data: bytes, layout: str) -> None:
        self.data = data
        self.layout = layout
        self.at = 0
        self.count = 0
        self.seen: list[Any] = []  # what later objects refer to
        self.interned: list[str] = []  # the same for the strings of Python 2

    def take(self, size: int) -> bytes:
        if size < 0 or size > len(self.data) - self.at:
            raise CorruptFileError("is cut off")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, form: str = "<i") -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def item(self, depth: int) -> Any:
        self.count += 1
        if self.count > _MAX_OBJECTS or depth > _MAX_DEPTH:
            raise CorruptFileError("has more objects than a function")
        sign = self.take(1)[0]
        kind, place = chr(sign & ~_REF), len(self.seen)
        if sign & _REF:
            self.seen.append(None)
        found = self.of_kind(kind, depth)
        if sign & _REF:
            self.seen[place] = found
        return found

    def of_kind(self, kind: str, depth: int) -> Any:
        if kind in _PLAIN:
            return _PLAIN[kind]
        if kind in _NUMBERS:
            return self.number(_NUMBERS[kind])
        if kind in _SIZED:
            return self.string(kind)
        if kind in "()[<>":
            size = self.number("<B") if kind == ")" else self.number()
            if not 0 <= size <= _MAX_OBJECTS:
                raise CorruptFileError("has more objects than a function")
            items = [self.item(depth + 1) for _ in range(size)]
            return frozenset(items) if kind in "<>" else tuple(items)
        if kind == "r":
            return self.seen[self.number()]
        if kind == "R":
            return self.interned[self.number()]
        if kind == "l":
            return self.long()
        if kind == "y":
            return complex(self.number("<d"), self.number("<d"))
        if kind == "f":
            return float(self.take(self.number("<B")))
        if kind == "c":
            return self.code(depth)
        raise CorruptFileError(f"has an object of kind {kind!r}")

    def string(self, kind: str) -> str | bytes:
        raw = self.take(self.number(_SIZED[kind]))
        if kind == "s":
            return raw
        text = raw.decode("utf-8", "surrogatepass")
        if kind == "t" and self.layout == "2.7":
            self.interned.append(text)
        return text

    def long(self) -> int:
        size: int = self.number()
        digits: list[int] = [self.number("<H") for _ in range(min(abs(size), _MAX_OBJECTS))]
        value = sum(digit << (15 * place) for place, digit in enumerate(digits))
        return -value if size < 0 else value

    def code(self, depth: int) -> Code:
        numbers, objects, _, last = _LAYOUTS[self.layout].split(" | ")
        fields: dict[str, Any] = {name: self.number() for name in numbers.split()}
        fields |= {name: self.item(depth + 1) for name in objects.split()}
        self.number()
        for _ in last.split():
            self.item(depth + 1)
        return self.checked(fields)

    def checked(self, fields: dict[str, Any]) -> Code:
        if self.layout == "3.11":
            variables = fields["variables"]
        else:
            variables = (*fields["variables"], *fields["cells"], *fields["free"])
        code, constants = fields["code"], fields["constants"]
        names, name = _words(fields["names"]), _words([fields["name"]])[0]
        if not isinstance(code, bytes) or not isinstance(constants, tuple):
            raise CorruptFileError("is no code object")
        arguments = fields["arguments"]
        if not 0 <= arguments <= len(variables):
            raise CorruptFileError("takes more arguments than it names")
        return Code(name, arguments, _words(variables), names, constants, code, self.layout)


def _words(found: Sequence[Any]) -> tuple[str, ...]:
    words = tuple(one.decode("latin-1") if isinstance(one, bytes) else one for one in found)
    if not all(isinstance(one, str) for one in words):
        raise CorruptFileError("has names that are no text")
    return words


_PLAIN = {"N": None, "T": True, "F": False, ".": ..., "S": StopIteration.__name__}
_NUMBERS = {"i": "<i", "I": "<q", "g": "<d"}
_SIZED = {"s": "<i", "t": "<i", "u": "<i", "a": "<i", "A": "<i", "z": "<B", "Z": "<B"}
