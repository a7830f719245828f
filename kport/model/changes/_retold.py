"""Arguments that a `get_config` tells as what `__init__` made of them, which makes it once more."""

from __future__ import annotations

from collections.abc import Iterator

from kport.components import retold_arguments, text_of
from kport.errors import Problem
from kport.model._walk import Walk
from kport.model.changes._twins import Twins

__all__ = ["made_of_made"]


def made_of_made(found: Walk) -> Iterator[Problem]:
    """Yield each argument of a layer that would be another one in a layer made of its config.

    What code has set since is told as it is now, and is so in the layer made of that.
    """
    twins = Twins(found)
    for path, layer in found.layers():
        retold = dict(retold_arguments(layer))
        made = twins.config(layer, layer.get_config()) if retold else {}
        for name, (given, told) in retold.items():
            if name in made and text_of(made[name]) != text_of(told):
                text = (
                    f"get_config tells {name!r} as {told!r}, of which __init__ makes "
                    f"{made[name]!r}; it was given {given!r}"
                )
                yield Problem(path or ".", text, "lost")
