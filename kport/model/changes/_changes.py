"""All that a file tells of what code did, layer by layer."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from kport.model._walk import Walk
from kport.model.changes._configs import made_by_code
from kport.model.changes._functions import functions_of
from kport.model.changes._values import changed_values

__all__ = ["changes_of"]


def changes_of(found: Walk, told: Collection[int]) -> Iterator[tuple[str, str, Any]]:
    """Yield path of a layer, the key of `ModelSpec.layers`, and what stands there.

    Arguments:
        found: The model.
        told: The ids of what its config tells.

    Raises:
        SaveError: An object stands in the place of a value; all of them are named.
    """
    yield from ((path, "made", config) for path, config in made_by_code(found, told))
    yield from ((path, "functions", one) for path, one in functions_of(found, told))
    yield from changed_values(found, told)
