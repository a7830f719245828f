"""The marks by which a config says that objects at several of its places are one."""

from __future__ import annotations

from typing import Any

__all__ = ["MARK", "OWN_MARK", "mark_of", "unmarked"]

MARK = "shared_object_id"
"""Keras's own."""
OWN_MARK = "kport_object_id"
"""On a layer of several graphs, which Keras 3.15.1 would wire up wrongly: it counts the calls of a
layer from nought in each graph, and the layer has those of the other graphs, too."""


def mark_of(node: dict[str, Any]) -> int | None:
    """Return the number that stands for the object, if it has one."""
    mark = node.get(OWN_MARK, node.get(MARK))
    return mark if isinstance(mark, int) else None


def unmarked(node: Any, *aside: str) -> Any:
    """Return a config without its marks, and without what stands under some other keys."""
    if isinstance(node, list):
        return [unmarked(item, *aside) for item in node]
    if not isinstance(node, dict):
        return node
    left_out = {MARK, OWN_MARK, *aside}
    return {key: unmarked(value, *aside) for key, value in node.items() if key not in left_out}
