"""JSON that came from a file, and JSON that goes into one.

Read with what a hostile file needs and the json module leaves open: a size bound, no duplicate
keys (RFC 8259 section 4 lets two readers see two different values), no lone surrogates (they
crash whoever prints or stores them). ``NaN`` and ``Infinity``, which Python writes and RFC 8259
does not know, are allowed both ways: Keras configs contain them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any

from kport.errors import CorruptFileError, mapped

__all__ = ["MAX_JSON_BYTES", "dump_json", "dump_line", "dump_shape", "parse_json", "shown"]

MAX_JSON_BYTES = 100_000_000
"""The longest JSON that is parsed; Python objects take up to some ten times its memory."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_SHOWN_CHARACTERS = 100  # of a name in an error; a hostile one can be as long as the file


def parse_json(data: bytes, what: str) -> Any:
    """Return the value that the bytes hold.

    Arguments:
        data: UTF-8, at most `MAX_JSON_BYTES`.
        what: What is parsed, for the error: ``config.json``.

    Raises:
        CorruptFileError: It is too long, no JSON, nested too deep, or an object repeats a key.

    Example:
        >>> parse_json(b'{"a": 1, "a": 2}', "config.json")
        Traceback (most recent call last):
        ...
        kport.errors.CorruptFileError: config.json holds the key 'a' twice in one object
    """
    if len(data) > MAX_JSON_BYTES:
        raise CorruptFileError(
            f"{what} is {len(data)} bytes of JSON, and at most {MAX_JSON_BYTES} are read"
        )

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        fields = dict(items)
        if len(fields) != len(items):
            counts = Counter(key for key, _ in items)
            name = next(key for key, count in counts.items() if count > 1)
            raise CorruptFileError(f"{what} holds the key {shown(name)} twice in one object")
        return fields

    with mapped(CorruptFileError, f"{what} is not valid JSON"):
        text = data.decode()
        value = json.loads(text, object_pairs_hook=pairs)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
        return value


def dump_json(value: Any, *, sort_keys: bool = False, indent: int | None = 2) -> bytes:
    r"""Return the value as UTF-8 with a newline at its end; equal values give equal bytes.

    Arguments:
        value: Dicts, lists, strings, numbers, booleans and None.
        sort_keys: Sort the keys of every object; without, they keep the order they have.
        indent: Spaces a level; None for one line without spaces.

    Raises:
        TypeError: Something in it is no JSON.
        UnicodeEncodeError: A string holds a lone surrogate.

    Example:
        >>> dump_json({"b": 1, "a": "é"}, sort_keys=True, indent=None)
        b'{"a":"\xc3\xa9","b":1}\n'
    """
    return f"{_encoder(sort_keys, indent).encode(value)}\n".encode()


def dump_line(value: Any) -> str:
    """Return the value on one line without spaces, the keys of every object sorted.

    Raises:
        TypeError: Something in it is no JSON.
    """
    return _encoder(True, None).encode(value)


def dump_shape(shape: Iterable[int]) -> str:
    """Return whole numbers as `dump_line` does, at once: every tensor has some.

    Example:
        >>> dump_shape((2, 3))
        '[2,3]'
    """
    return f"[{','.join(map(str, shape))}]"


@cache
def _encoder(sort_keys: bool, indent: int | None) -> json.JSONEncoder:
    separators = (",", ":") if indent is None else (",", ": ")
    return json.JSONEncoder(
        ensure_ascii=False, sort_keys=sort_keys, indent=indent, separators=separators
    )


def shown(name: str) -> str:
    """Return a name out of a file as an error may show it: quoted, escaped, not endless."""
    return repr(name if len(name) <= _SHOWN_CHARACTERS else f"{name[:_SHOWN_CHARACTERS]}...")
