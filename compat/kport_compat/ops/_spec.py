"""Shapes of results whose sizes a graph computes; importing it imports Keras.

Graphs compute with shapes: ``tf.reshape(x, [tf.shape(x)[0], 3, 8])``. A symbolic tensor has no
values, so what is known of them is kept beside it, and a size that is not known is None.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import KerasTensor, tree

from kport_compat.ops._adapter import dtype_of, dtype_word

__all__ = ["SPECS", "known", "known_of", "with_known"]

_KNOWN = "_kport_known"

Spec = Callable[..., KerasTensor | None]


def with_known(tensor: KerasTensor, values: Any) -> KerasTensor:
    """Keep beside a symbolic tensor what is known of its values."""
    setattr(tensor, _KNOWN, values)
    return tensor


def known_of(tensor: Any) -> Any:
    """Return what is known of the values of a symbolic tensor, None where nothing is."""
    return getattr(tensor, _KNOWN, None)


def known(one: Any) -> Any:
    """Return the values of a symbolic tensor where all are known, else what was given."""
    values = known_of(one)
    if values is None or any(size is None for size in np.ravel(np.array(values, dtype=object))):
        return one
    return np.array(values, dtype=one.dtype)


def _sizes(found: Any) -> list[int | None]:
    """Return the sizes that a shape says, None for each that is not known."""
    if isinstance(found, KerasTensor):
        values = known_of(found)
        parts = [None] * int(found.shape[0] or 0) if values is None else values
    else:
        parts = np.ravel(found).tolist() if isinstance(found, np.ndarray) else found
    parts = parts if isinstance(parts, list | tuple) else [parts]
    sizes = [known_of(one) if isinstance(one, KerasTensor) else one for one in parts]
    return [None if size is None else int(size) for size in sizes]


def _loose(*found: Any) -> bool:
    return any(isinstance(one, KerasTensor) for one in tree.flatten(found))


def _reshape(tensor: Any, shape: Any) -> KerasTensor | None:
    sizes = _sizes(shape)
    if None not in sizes or not isinstance(tensor, KerasTensor):
        return None
    return KerasTensor([None if size == -1 else size for size in sizes], tensor.dtype)


def _broadcast_to(input: Any, shape: Any) -> KerasTensor | None:  # noqa: A002
    return _reshape(input, shape)


def _fill(dims: Any, value: Any) -> KerasTensor | None:
    dtype = value.dtype if isinstance(value, KerasTensor) else dtype_of(value)
    return KerasTensor(_sizes(dims), dtype) if _loose(dims) else None


def _filled(shape: Any, dtype: Any = "float32", layout: Any = None) -> KerasTensor | None:
    return KerasTensor(_sizes(shape), dtype_word(dtype)) if _loose(shape) else None


def _tile(input: Any, multiples: Any) -> KerasTensor | None:  # noqa: A002
    if not _loose(multiples):
        return None
    pairs = zip(input.shape, _sizes(multiples), strict=True)
    sizes = [None if None in pair else pair[0] * pair[1] for pair in pairs]
    return KerasTensor(sizes, input.dtype)


def _range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None) -> KerasTensor | None:
    given = [one for one in (start, limit, delta) if isinstance(one, KerasTensor)]
    return KerasTensor((None,), dtype_word(dtype or given[0].dtype)) if given else None


def _slice(input_: Any, begin: Any, size: Any) -> KerasTensor | None:
    if not _loose(begin, size):
        return None
    counts = [None if count == -1 else count for count in _sizes(size)]
    return KerasTensor(counts, input_.dtype)


def _rank(input: Any) -> KerasTensor | None:  # noqa: A002  # TensorFlow's own name for it
    if not isinstance(input, KerasTensor):
        return None
    return with_known(KerasTensor((), "int32"), len(input.shape))


def _size(input: Any, out_type: Any = "int32") -> KerasTensor | None:  # noqa: A002  # as above
    if not isinstance(input, KerasTensor):
        return None
    found = None if None in input.shape else math.prod(input.shape)
    return with_known(KerasTensor((), dtype_word(out_type or "int32")), found)


SPECS: dict[str, Spec] = {
    "broadcast_to": _broadcast_to,
    "fill": _fill,
    "ones": _filled,
    "range": _range,
    "rank": _rank,
    "reshape": _reshape,
    "size": _size,
    "slice": _slice,
    "tile": _tile,
    "zeros": _filled,
}
"""Symbol -> the shape of its result by its arguments; None where tracing finds it."""
