"""Where the layers of a model stand in an archive of Keras 3.

The rules are those of ``keras/src/saving/saving_lib.py`` (3.15.1), here for a config: the members
of a container are named by class in snake case with a counter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kport.checkpoint import JSON

__all__ = ["layer_places"]


def layer_places(config: JSON, path: str = "") -> Iterator[tuple[str, JSON]]:
    """Yield path and config of each layer of a model, and of each model inside.

    Example:
        >>> layers = [{"class_name": name, "config": {}} for name in ("ReLU", "Dense", "ReLU")]
        >>> [path for path, _ in layer_places({"config": {"layers": layers}})]
        ['layers/re_lu', 'layers/dense', 'layers/re_lu_1']
    """
    counts: dict[str, int] = {}
    for layer in _layers(config):
        name = _snake(str(layer.get("class_name")))
        count = counts[name] = counts.get(name, -1) + 1
        below = f"{path}layers/{name}" + (f"_{count}" if count else "")
        yield below, layer
        yield from layer_places(layer, f"{below}/")


def _layers(config: JSON) -> list[JSON]:
    inner: Any = config.get("config")
    found = inner.get("layers") if isinstance(inner, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _snake(name: str) -> str:
    # keras/src/utils/naming.py, `to_snake_case`
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
