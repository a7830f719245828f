"""Read large values from the file while Keras builds the model they are for.

Keras constructs layers in Python, with one processor; the values need the disk and another one.

Memory: that of the values, which the variables then go on with; of a model that lives on another
device than the CPU, up to `_MOST` bytes on the host.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import accumulate, takewhile

import keras

from kport.checkpoint import Array, ByteSource, Checkpoint, LazyTensor, Naming
from kport.model.backends._memory import aligned_memory

__all__ = ["SMALL", "THREADS", "Ahead", "reading_ahead"]

SMALL = 1 << 18  # bytes below which handing a value to a thread costs more than copying it
THREADS = min(4, os.cpu_count() or 1)  # more do not make memory faster
_MOST = 1 << 30  # more than is read in the time that Keras needs
_AS_STORED = (Naming.ATTRIBUTE, Naming.WEIGHTS, Naming.KERAS)  # other files are often translated


class Ahead:
    """Values on their way, each to be taken once."""

    def __init__(self) -> None:
        self._coming: dict[int, Future[Array]] = {}

    def start(self, tensors: Iterable[LazyTensor], pool: ThreadPoolExecutor) -> None:
        """Begin to read the large ones, in this order."""
        large = [one for one in tensors if one.nbytes >= SMALL and _is_plain(one)]
        sums = accumulate(one.nbytes for one in large)
        for tensor, _ in takewhile(lambda pair: pair[1] <= _MOST, zip(large, sums, strict=True)):
            self._coming[id(tensor.source)] = pool.submit(_read, tensor)

    def take(self, tensor: LazyTensor) -> Array | None:
        """Wait for the values of a tensor, in memory that is the caller's from now on.

        None where they were not read, or taken already.

        Raises:
            CorruptFileError: They differ from their digest.
        """
        future = self._coming.pop(id(tensor.source), None)
        return None if future is None else future.result()


@contextmanager
def reading_ahead(checkpoint: Checkpoint) -> Iterator[Ahead]:
    """Read while the block runs; what nobody has taken by its end is dropped.

    Nothing is read where a mesh holds the model: each process reads its own parts then.
    """
    ahead = Ahead()
    distributed = keras.distribution.distribution() is not None
    if distributed or checkpoint.naming not in _AS_STORED:
        yield ahead
        return
    pool = ThreadPoolExecutor(THREADS, "kport-ahead")
    try:
        ahead.start(checkpoint.tensors.values(), pool)
        yield ahead
    finally:
        pool.shutdown(cancel_futures=True)


def _is_plain(tensor: LazyTensor) -> bool:
    """Whether its bytes lie in the file as they are wanted in memory."""
    return isinstance(tensor.source, ByteSource)


def _read(tensor: LazyTensor) -> Array:
    buffer = aligned_memory(tensor.shape, tensor.dtype)
    tensor.read_into(buffer)
    return buffer
