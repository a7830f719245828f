"""The marks by which a config says that objects at several of its places are one."""

from __future__ import annotations

from typing import Any

__all__ = ["MARK", "OWN_MARK", "mark_of"]

MARK = "shared_object_id"
"""Keras's own."""
OWN_MARK = "kport_object_id"
"""On a layer of several graphs, which Keras 3.15.1 would wire up wrongly: it counts the calls of a
layer from nought in each graph, and the layer has those of the other graphs, too."""


def mark_of(node: dict[str, Any]) -> int | None:
    """Return the number that stands for the object, if it has one."""
    mark = node.get(OWN_MARK, node.get(MARK))
    return mark if isinstance(mark, int) else None
