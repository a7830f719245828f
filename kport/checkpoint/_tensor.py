"""A tensor that stays where it is until somebody reads it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import Any

import numpy as np

from kport.checkpoint._boxes import Box, box_of, slices_of
from kport.checkpoint._bytes import (
    STORED_AS,
    BlockSource,
    ByteSource,
    copy_from,
    digest_of,
    digest_through,
    fill_bytes,
    plain_bytes,
)
from kport.checkpoint._dtypes import FLOATS, name_of, numpy_dtype
from kport.errors import CorruptFileError, LoadError

__all__ = ["Array", "Kind", "LazyTensor", "Position", "Slot", "c_order"]

Array = np.ndarray[Any, Any]
Index = slice | int | tuple[slice | int, ...] | None


class Kind(StrEnum):
    """What a tensor is for; it decides the file of a bundle that holds it."""

    PARAMETER = "parameter"
    """A weight made to be trained, frozen or not."""
    STATE = "state"
    """A weight never trained by gradient: BatchNormalization statistics, RNN states."""
    SEED = "seed"
    """The state of a `keras.random.SeedGenerator`."""
    OPTIMIZER = "optimizer"
    """A slot, iteration counter or learning rate of an optimizer."""
    METRIC = "metric"
    """A running sum of a metric."""
    DERIVED = "derived"
    """What plain Keras wants in its archive and the other tensors already say (a merged LoRA
    kernel); kport's own bundle leaves it out."""


def c_order(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes of a shape as they are: the last one is the innermost in memory."""
    return _axes(len(shape))


@cache
def _axes(rank: int) -> tuple[int, ...]:
    return tuple(range(rank))


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a legacy file that knows layers by name and weights by order.

    Arguments:
        layer: The name of a top-level layer, empty for the model itself, or ``optimizer``.
        index: The place in that layer's ``trainable_weights + non_trainable_weights``, or in the
            optimizer's list.
    """

    layer: str
    index: int


@dataclass(frozen=True, slots=True)
class Slot:
    """What a legacy file's optimizer state is for, where names and order are not Keras 3's.

    Arguments:
        attribute: The path in a Keras 3 optimizer: ``momentums``, ``inner_optimizer.iterations``.
        of: The name of the tensor it belongs to, or the number of its variable among the trained
            ones where the file names none; None for what belongs to the optimizer as a whole.
    """

    attribute: str
    of: str | int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LazyTensor:
    """A named tensor whose values are read only when asked for.

    Arguments:
        name: The attribute path (``encoder.blocks.0.kernel``), or the file's own name for it
            where the file knows no attribute paths.
        shape: The shape, ``()`` for a scalar.
        dtype: A name out of `kport.checkpoint.DTYPES`.
        kind: What it is for.
        source: Gives the whole tensor as a NumPy view (a memory map, a host view of a variable);
            called at each read, so nothing is kept. A `ByteSource` can do without the view.
        keras_path: Where plain Keras keeps it in ``model.weights.h5``: ``layers/dense/vars/0``; in
            a TensorFlow checkpoint, the variable's own name: ``dense/kernel``.
        position: Where a legacy file keeps it.
        digest: The BLAKE3 of its values that the file records; see `digest_of`.
        slot: Which value of an optimizer it is, in a legacy file.
        order: The axes from the outermost in memory to the innermost, in the process that wrote it;
            None where the file does not say. What `source` gives may lie in another order.
        window: Gives a part of it and touches the bytes of that part alone, where a format can.
        pieces: Gives the parts that this process has to write, where the devices of several
            processes hold the tensor together; `source` has not all of it then.

    Example:
        >>> one = LazyTensor("scale", (2,), "float32", Kind.PARAMETER, lambda: np.ones(2, "f4"))
        >>> one.read(slice(0, 1))
        array([1.], dtype=float32)
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    kind: Kind
    source: Callable[[], Array] = field(repr=False)
    keras_path: str | None = None
    position: Position | None = None
    digest: str | None = None
    slot: Slot | None = None
    order: tuple[int, ...] | None = None
    window: Callable[[Box], Array] | None = field(default=None, repr=False)
    pieces: Callable[[], Iterable[tuple[Box, Array]]] | None = field(default=None, repr=False)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The number of bytes of the values."""
        return self.size * numpy_dtype(self.dtype).itemsize

    @property
    def own_order(self) -> tuple[int, ...] | None:
        """`order` where a file has to say it: where it is not that of C."""
        return None if self.order == c_order(self.shape) else self.order

    def read(self, index: Index = None) -> Array:
        """Return the values as a NumPy view, or the part that `index` picks.

        Nothing is copied where the source is a memory map: a slice touches only its own pages,
        so it is not held against the digest of the whole.

        Raises:
            CorruptFileError: The source gave another shape or dtype than was declared, or the
                values differ from their digest.
        """
        box = None if index is None or self.window is None else box_of(index, self.shape)
        if self.window is not None and box is not None:
            return self.window(box)
        values = self._declared()
        if index is not None:
            return np.asarray(values[index])
        if self.digest is not None:
            self._require_digest(digest_of(values))
        return values

    def blocks(self) -> Iterator[Array]:
        """Yield the values whole, or some rows at a time where a `BlockSource` gives those.

        Raises:
            CorruptFileError: See `read`.
        """
        if isinstance(self.source, BlockSource) and self.digest is None:
            yield from self.source.blocks()
        else:
            yield self.read()

    def read_into(self, target: Array) -> None:
        """Copy the values into an array of this shape and dtype, in one walk over the memory.

        Raises:
            CorruptFileError: See `read`; the array holds values that are not to be used then.
        """
        source = self.source
        if not target.flags.c_contiguous or self.dtype in STORED_AS:
            np.copyto(target, self.read())
            return
        copy_to = source.copy_to if isinstance(source, ByteSource) else copy_from(self._declared())
        place = plain_bytes(target)  # no copy: it is contiguous and of a dtype that files know
        if self.digest is not None:
            self._require_digest(fill_bytes(place, copy_to))
        else:
            copy_to(place, 0)

    def check(self) -> None:
        """Read every byte and hold it against the digest, if there is one.

        Raises:
            CorruptFileError: See `read`.
        """
        if self.digest is not None and isinstance(self.source, ByteSource):
            self._require_digest(digest_through(self.source.copy_to, self.nbytes))
        else:
            self.read()

    def _declared(self) -> Array:
        values = self.source()
        if values.shape != self.shape or name_of(values.dtype) != self.dtype:
            raise CorruptFileError(
                f"tensor {self.name!r} was declared as {self.dtype}{list(self.shape)} and its "
                f"bytes are {name_of(values.dtype)}{list(values.shape)}"
            )
        return values

    def _require_digest(self, found: str) -> None:
        if found != self.digest:
            raise CorruptFileError(
                f"the values of tensor {self.name!r} are not those that were written: their "
                f"BLAKE3 is {found:.16}..., and the file records {self.digest:.16}...",
                remedy="Copy or download the file again.",
            )

    def as_dtype(self, dtype: str) -> LazyTensor:
        """Return the same tensor whose values are converted, rounding to nearest, when read.

        Arguments:
            dtype: A name out of `kport.checkpoint.DTYPES`.

        Raises:
            LoadError: When read: a value is larger than the dtype can tell.
        """
        if dtype == self.dtype:
            return self
        return replace(
            self,
            dtype=dtype,
            source=lambda: self._converted(self.read(), dtype),
            window=lambda box: self._converted(self.read(slices_of(box)), dtype),
            digest=None,
        )

    def _converted(self, values: Array, dtype: str) -> Array:
        with np.errstate(over="ignore", invalid="ignore"):
            converted = values.astype(numpy_dtype(dtype))
        if dtype in FLOATS:
            infinite = np.isinf(converted)
            if infinite.any() and not np.isinf(values[infinite]).all():
                raise LoadError(
                    f"tensor {self.name!r} has values of {dtype} that would be infinite",
                    remedy="Take bfloat16 or float32, which reach as far as float32 does.",
                )
        return converted

    def renamed(self, name: str) -> LazyTensor:
        """Return the same tensor under another name."""
        return replace(self, name=name)
