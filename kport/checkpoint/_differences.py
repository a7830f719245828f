"""Where two configs differ, each place by the path that leads to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["differences"]

Place = tuple[str, Any, Any]


def differences(one: Any, other: Any, place: str = "") -> Iterator[Place]:
    """Yield each place where two JSON values differ, and what either has there, None for nothing.

    Layers of a list are held against those of the same name, so that one more does not make all
    that follow it differ.

    Example:
        >>> list(differences({"units": 4, "name": "a"}, {"units": 8, "name": "a"}, "config"))
        [('config.units', 4, 8)]
    """
    if isinstance(one, list) and isinstance(other, list):
        first, second = _by_name(one), _by_name(other)
        if first is not None and second is not None:
            yield from _of_keys(first, second, f"{place}.")
            return
        if len(one) == len(other):
            for index, (left, right) in enumerate(zip(one, other, strict=True)):
                yield from differences(left, right, f"{place}[{index}]")
            return
    if isinstance(one, dict) and isinstance(other, dict):
        yield from _of_keys(one, other, f"{place}." if place else "")
    elif one != other:
        yield place, one, other


def _of_keys(one: Mapping[str, Any], other: Mapping[str, Any], before: str) -> Iterator[Place]:
    for key in [*one, *(key for key in other if key not in one)]:
        yield from differences(one.get(key), other.get(key), f"{before}{key}")


def _by_name(items: list[Any]) -> dict[str, Any] | None:
    """The objects of a list by their names, if all have one and no two the same."""
    named = {}
    for item in items:
        config = item.get("config") if isinstance(item, dict) else None
        name = config.get("name") if isinstance(config, dict) else None
        if not isinstance(name, str) or name in named:
            return None
        named[name] = item
    return named
