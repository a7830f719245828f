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
        SaveError: Some value is too large; all of it is named.
    """
    yield from ((path, "made", config) for path, config in made_by_code(found, told))
    yield from ((path, "functions", one) for path, one in functions_of(found, told))
    yield from ((path, "attributes", one) for path, one in changed_values(found).items())
