"""Move the values of a file to the devices of a mesh: to each device the part it holds.

A process reads the bytes of the parts its devices hold, each part once however many of them do,
and no others (pages of 4 kB around them); parts that lie side by side are one. Where they make up
the whole tensor its digest is compared; a part has none, so a process that reads parts relies on
``kport.load(check="full")`` where the file is not trusted.

Memory: the parts themselves; on another device than the CPU, those of one tensor on the host.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from kport.checkpoint import Array, Box, numpy_dtype, slices_of
from kport.model._plan import Pair
from kport.model.backends import adopt_boxes, boxes_of
from kport.model.backends._memory import aligned_memory

__all__ = ["fill_boxes", "holds_all"]


def holds_all(pair: Pair) -> bool:
    """Whether this process gets all of the tensor."""
    boxes = boxes_of(pair.variable)
    return not boxes or _volume(boxes) == pair.tensor.size


def fill_boxes(pair: Pair, boxes: Sequence[Box], pool: ThreadPoolExecutor) -> None:
    """Give a variable its values, converted to its dtype.

    Raises:
        CorruptFileError: The tensor was read whole and differs from its digest.
    """
    around = _around(boxes)
    if _volume(boxes) == pair.tensor.size:
        joined = pair.tensor.read()
    elif _volume([around]) == _volume(boxes):  # neighbours: each row of them is one range of bytes
        joined = pair.tensor.read(slices_of(around))
    else:
        joined = None

    def part(box: Box) -> Array:
        if joined is None:
            values = pair.tensor.read(slices_of(box))
        else:
            values = joined[slices_of(_within(box, around))]
        buffer = aligned_memory(values.shape, pair.variable.dtype)
        np.copyto(buffer, values.astype(numpy_dtype(pair.variable.dtype), copy=False))
        return buffer

    adopt_boxes(pair.variable, dict(zip(boxes, pool.map(part, boxes), strict=True)))


def _around(boxes: Sequence[Box]) -> Box:
    axes = zip(*boxes, strict=True)
    return tuple((min(a for a, _ in axis), max(b for _, b in axis)) for axis in axes)


def _within(box: Box, around: Box) -> Box:
    return tuple((a - c, b - c) for (a, b), (c, _) in zip(box, around, strict=True))


def _volume(boxes: Sequence[Box]) -> int:
    return sum(int(np.prod([stop - start for start, stop in box], dtype=np.int64)) for box in boxes)
