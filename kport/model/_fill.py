"""Move the values of a file into variables, several large ones at a time.

A value goes once through the processor: a thread reads it from the file into memory that the
backend then goes on with (see `kport.model.backends`), and hashes it on the way. Page faults,
digests and copies of several values overlap; the backend itself is only touched by the caller's
thread.

Memory: the values themselves, and no copy of them on the CPU. For another device, up to `_AHEAD`
values on the host.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from kport.checkpoint import Array, numpy_dtype
from kport.model._ahead import SMALL, THREADS, Ahead
from kport.model._plan import Pair
from kport.model._spread import fill_boxes, holds_all
from kport.model.backends import adopt, boxes_of, buffer_for

__all__ = ["checked", "fill"]

_AHEAD = 2 * THREADS


def fill(pairs: Iterable[Pair], ahead: Ahead | None = None) -> None:
    """Give every variable the values of its tensor, converted to the variable's dtype.

    Arguments:
        pairs: What goes where.
        ahead: Values that were read already.

    Raises:
        CorruptFileError: Values differ from their digest; variables before it have theirs.
    """
    waiting: deque[tuple[Pair, Array, Future[None]]] = deque()
    with ThreadPoolExecutor(THREADS, "kport-fill") as pool:
        for pair in pairs:
            boxes = boxes_of(pair.variable)
            if boxes:
                fill_boxes(pair, boxes, pool)
                continue
            values = ahead.take(pair.tensor) if ahead else None
            if values is not None and pair.tensor.dtype == pair.variable.dtype:
                adopt(pair.variable, values)
                continue
            buffer = buffer_for(pair.variable)
            if pair.tensor.nbytes < SMALL:
                _copy(pair, buffer)
                adopt(pair.variable, buffer)
                continue
            waiting.append((pair, buffer, pool.submit(_copy, pair, buffer)))
            if len(waiting) > _AHEAD:
                _finish(*waiting.popleft())
        while waiting:
            _finish(*waiting.popleft())


def checked(pairs: Iterable[Pair]) -> list[Pair]:
    """Return the pairs after every value was held against its digest, and no variable touched.

    A tensor that this process needs parts of is not read; see `kport.model._spread`.

    Raises:
        CorruptFileError: Values differ from their digest.
    """
    pairs = list(pairs)
    here = [pair for pair in pairs if holds_all(pair)]
    with ThreadPoolExecutor(THREADS, "kport-check") as pool:
        for _ in pool.map(lambda pair: pair.tensor.check(), here):
            pass
    return [replace(pair, tensor=replace(pair.tensor, digest=None)) for pair in pairs]


def _copy(pair: Pair, buffer: Array) -> None:
    dtype = pair.variable.dtype
    if pair.tensor.dtype == dtype:
        pair.tensor.read_into(buffer)
    else:
        np.copyto(buffer, pair.tensor.read().astype(numpy_dtype(dtype)))


def _finish(pair: Pair, buffer: Array, done: Future[None]) -> None:
    done.result()
    adopt(pair.variable, buffer)
