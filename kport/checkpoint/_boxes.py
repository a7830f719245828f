"""Parts of a tensor, and where their bytes lie in a file that has it in C order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product

__all__ = ["Box", "box_of", "byte_runs", "slices_of"]

Box = tuple[tuple[int, int], ...]
"""Start and stop in each dimension; ``()`` is the one value of a scalar."""


def box_of(index: object, shape: Sequence[int]) -> Box | None:
    """Return the box that an index picks; None where it picks something else.

    Example:
        >>> box_of((slice(None), slice(2, None)), (3, 5))
        ((0, 3), (2, 5))
        >>> box_of((slice(None, None, 2), 0), (3, 5)) is None
        True
    """
    given = index if isinstance(index, tuple) else (index,)
    if len(given) > len(shape) or not all(isinstance(one, slice) for one in given):
        return None
    padded = [*given, *(slice(None),) * (len(shape) - len(given))]
    ranges = [one.indices(size) for one, size in zip(padded, shape, strict=True)]
    if any(step != 1 for _, _, step in ranges):
        return None
    return tuple((start, max(start, stop)) for start, stop, _ in ranges)


def slices_of(box: Box) -> tuple[slice, ...]:
    """Return the box as an index for NumPy."""
    return tuple(slice(start, stop) for start, stop in box)


def byte_runs(
    shape: Sequence[int], itemsize: int, box: Box, slack: int = 0
) -> Iterator[tuple[int, int]]:
    """Yield first byte and one beyond the last of each contiguous piece of a box, in order.

    Arguments:
        shape: The shape of the whole tensor.
        itemsize: Bytes of one element.
        box: The part.
        slack: Pieces with no more bytes than these between them may become one with what lies
            there.

    Example:
        >>> list(byte_runs((4, 6), 4, ((1, 3), (0, 6))))
        [(24, 72)]
        >>> list(byte_runs((4, 6), 4, ((0, 2), (3, 6))))
        [(12, 24), (36, 48)]
    """
    if any(start >= stop for start, stop in box):
        return
    strides = [math.prod(shape[axis + 1 :]) * itemsize for axis in range(len(shape))]
    inner = max(len(shape) - 1, 0)  # the axis along which a piece is contiguous
    while inner and (shape[inner] - box[inner][1] + box[inner][0]) * strides[inner] <= slack:
        inner -= 1
    first = sum(start * stride for (start, _), stride in zip(box, strides, strict=True))
    outer = [range(0, (stop - start) * s, s) for (start, stop), s in zip(box, strides, strict=True)]
    tail = sum(one[-1] for one in outer[inner:]) + itemsize
    for steps in product(*outer[:inner]):
        yield first + sum(steps), first + sum(steps) + tail
