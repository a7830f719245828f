"""Indexing as Keras 2 wrote it: ``keras/layers/core/tf_op_layer.py`` of Keras 2.12.

A slice is ``{"start", "stop", "step"}``, ``...`` is ``{"class_name": "__ellipsis__"}``, and None
stands for a new axis.
"""

from __future__ import annotations

from typing import Any

from kport_compat.ops._adapter import adapter, integers, is_tensor, ops

__all__ = ["as_index"]


@adapter("__operators__.getitem")
def _getitem(tensor: Any, slice_spec: Any) -> Any:
    index = as_index(slice_spec)
    index = index if isinstance(index, tuple) else (index,)
    if is_tensor(tensor):
        tensor, index = _forward(tensor, index)
    return tensor[index]


def _forward(tensor: Any, index: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """Turn axes that are read backwards around first: PyTorch knows no negative step."""
    parts, taken = list(index), sum(one is not None and one is not ... for one in index)
    axis = 0
    for place, one in enumerate(index):
        if one is ...:
            axis += len(tensor.shape) - taken
        elif one is not None:
            step = one.step if isinstance(one, slice) else None
            if isinstance(step, int) and step < 0:
                tensor, parts[place] = _turned(tensor, axis, one)
            axis += 1
    return tensor, tuple(parts)


def _turned(tensor: Any, axis: int, part: slice) -> tuple[Any, slice]:
    if part.start is None and part.stop is None:
        return ops.flip(tensor, axis), slice(None, None, -part.step)
    size = tensor.shape[axis]
    if size is None:
        raise NotImplementedError("a slice that goes backwards along an axis of unknown size")
    return ops.take(tensor, list(range(*part.indices(int(size)))), axis=axis), slice(None)


def as_index(spec: Any) -> Any:
    """Return what stands between the brackets.

    Example:
        >>> as_index([{"start": None, "stop": 3, "step": None}, None, 1])
        (slice(None, 3, None), None, 1)
    """
    if isinstance(spec, list | tuple):
        return tuple(as_index(one) for one in spec)
    if not isinstance(spec, dict):
        return integers(spec)
    if spec.get("class_name") == "__ellipsis__":
        return ...
    return slice(*(integers(spec.get(key)) for key in ("start", "stop", "step")))
