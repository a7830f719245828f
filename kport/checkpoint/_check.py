"""Check values that came out of JSON, and remember every problem with its place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kport.errors import Problem

__all__ = ["Checker"]

MAX_DIMENSION = 1 << 48  # beyond any array there is; a larger number would overflow size products
MAX_RANK = 64  # NumPy's own limit


class Checker:
    """Collects problems; each check returns a value that is safe to go on with.

    A value of the wrong type is a problem, never coerced.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def say(self, place: str, message: str, kind: str = "value") -> None:
        """Note a problem."""
        self.problems.append(Problem(place, message, kind))

    def mapping(self, value: object, place: str) -> dict[str, Any]:
        """Expect a JSON object; JSON itself makes its keys strings."""
        if isinstance(value, dict):
            return value
        self.say(place, f"is {_kind(value)}, expected an object", "type")
        return {}

    def keys(self, fields: dict[str, Any], known: Iterable[str], place: str) -> None:
        """Expect no keys but the known ones: a newer writer may mean something by them."""
        for name in sorted(set(fields) - set(known)):
            self.say(f"{place}.{name}", "is not a field this version of kport knows", "unexpected")

    def string(self, value: object, place: str) -> str:
        """Expect a string that is not empty."""
        if isinstance(value, str) and value:
            return value
        self.say(place, f"is {_kind(value)}, expected a non-empty string", "type")
        return ""

    def strings(self, value: object, place: str) -> list[str]:
        """Expect a list of strings."""
        if not isinstance(value, list):
            self.say(place, f"is {_kind(value)}, expected a list of strings", "type")
            return []
        return [self.string(item, f"{place}[{index}]") for index, item in enumerate(value)]

    def integer(self, value: object, place: str, least: int = 0) -> int:
        """Expect a whole number of at least `least`; true and false are none."""
        if isinstance(value, int) and not isinstance(value, bool) and value >= least:
            return value
        self.say(place, f"is {_kind(value)}, expected a whole number >= {least}", "type")
        return least

    def integers(self, value: object, place: str) -> list[int]:
        """Expect a list of whole numbers."""
        if not isinstance(value, list):
            self.say(place, f"is {_kind(value)}, expected a list of whole numbers", "type")
            return []
        return [self.integer(item, f"{place}[{index}]") for index, item in enumerate(value)]

    def one_of(self, value: object, choices: Iterable[str], place: str) -> str:
        """Expect one of a few strings."""
        if isinstance(value, str) and value in choices:
            return value
        self.say(place, f"is {_kind(value)}, expected one of {', '.join(sorted(choices))}")
        return ""

    def shape(self, value: object, place: str, free: bool = False) -> tuple[int | None, ...]:
        """Expect a list of dimensions; with `free`, a dimension may be null."""
        if not isinstance(value, list) or len(value) > MAX_RANK:
            self.say(place, f"is {_kind(value)}, expected a list of at most {MAX_RANK} dimensions")
            return ()
        for index, size in enumerate(value):
            whole = isinstance(size, int) and not isinstance(size, bool)
            if not (whole and 0 <= size <= MAX_DIMENSION) and not (free and size is None):
                self.say(f"{place}[{index}]", f"is {_kind(size)}, expected a dimension", "shape")
                return ()
        return tuple(value)


def _kind(value: object) -> str:
    if value is None:
        return "missing"
    shown = repr(value)
    return shown if len(shown) <= 60 else f"a {type(value).__name__}"
