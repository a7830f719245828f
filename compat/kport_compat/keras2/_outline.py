"""What a config tells of a model that cannot be translated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["outline"]

_MAX_DEPTH = 50


def outline(config: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the path and class of every layer, each before those inside it.

    Example:
        >>> list(outline([{"class_name": "Dense", "config": {"name": "one"}}]))
        [('one', 'Dense')]
    """
    inner = config.get("config") if isinstance(config, dict) else config
    layers = inner.get("layers") if isinstance(inner, dict) else inner
    for one in layers if isinstance(layers, list) and depth < _MAX_DEPTH else ():
        if isinstance(one, dict) and isinstance(one.get("class_name"), str):
            fields = one.get("config")
            own = fields.get("name") if isinstance(fields, dict) else None
            name = f"{path}{'.' if path else ''}{own or one.get('name') or one['class_name']}"
            yield name, one["class_name"]
            yield from outline(one, name, depth + 1)
