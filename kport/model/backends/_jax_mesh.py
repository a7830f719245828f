"""JAX: values that the devices of a mesh hold together.

What a variable's own array says of its sharding decides, so all ways to lay a model out
(`keras.distribution`, or a sharding given to a variable) are one here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import keras
import numpy as np
from jax.experimental.multihost_utils import process_allgather

from kport.checkpoint import Array, BlockSource, Box, box_of
from kport.model.backends._jax import host_view
from kport.model.backends._memory import aligned_zeros

__all__ = [
    "Processes",
    "adopt_boxes",
    "blank",
    "boxes_of",
    "own_pieces",
    "processes",
    "spread_source",
]

_BLOCK = 1 << 23  # bytes of a tensor that are put together at a time when it is written


def boxes_of(variable: keras.Variable) -> tuple[Box, ...]:
    """Return the different parts that this process's devices hold; none without a mesh."""
    sharding = getattr(variable.value, "sharding", None)
    if sharding is None or isinstance(sharding, jax.sharding.SingleDeviceSharding):
        return ()
    return tuple(sorted(set(_places(sharding, tuple(variable.shape)).values())))


def adopt_boxes(variable: keras.Variable, buffers: Mapping[Box, Array]) -> None:
    """Make the memory of each part the variable's value on the devices that hold that part."""
    variable.assign(_assembled(variable.value.sharding, tuple(variable.shape), buffers))


def blank(shape: tuple[int, ...], dtype: str, layout: Any) -> Any:
    """Return zeros in a layout, which on the CPU take no memory until they are replaced."""
    sharding = getattr(layout, "sharding", layout)  # a `jax.experimental.layout.Format` has one
    buffers = {
        box: aligned_zeros(tuple(stop - start for start, stop in box), dtype)
        for box in _places(sharding, shape).values()
    }
    return _assembled(sharding, shape, buffers)


def spread_source(value: jax.Array) -> Callable[[], Array] | None:
    """Return what gives values that devices of this process have parts of; None for others."""
    whole = value.is_fully_replicated or not value.is_fully_addressable
    return None if whole else _Spread(value)


@dataclass(frozen=True, slots=True)
class _Spread(BlockSource):
    """A `kport.checkpoint.BlockSource` out of the parts that devices hold."""

    value: jax.Array

    def __call__(self) -> Array:
        return host_view(self.value)

    def blocks(self) -> Iterator[Array]:
        value = self.value
        count = value.shape[0]
        step = max(1, _BLOCK * count // max(1, value.nbytes))
        for start in range(0, count, step):
            yield _rows(value, start, min(start + step, count))


def _rows(value: Any, start: int, stop: int) -> Array:
    found = np.empty((stop - start, *value.shape[1:]), value.dtype)
    for shard in value.addressable_shards:
        first, last, _ = shard.index[0].indices(value.shape[0])
        low, high = max(first, start), min(last, stop)
        if shard.replica_id == 0 and low < high:
            place = (slice(low - start, high - start), *shard.index[1:])
            found[place] = np.asarray(shard.data)[low - first : high - first]
    return found


def own_pieces(value: jax.Array, turn: int) -> Callable[[], Iterator[tuple[Box, Array]]] | None:
    """Return what gives the parts that this process has to write; None where it has all devices.

    Each part is one process's; `turn`, the same number in all of them, decides whose it is where
    several hold it.
    """
    return None if value.is_fully_addressable else partial(_pieces, value, turn)


def _pieces(value: jax.Array, turn: int) -> Iterator[tuple[Box, Array]]:
    shape = value.shape
    boxes = value.sharding.devices_indices_map(shape).values()
    copies = len(boxes) // len({box_of(index, shape) for index in boxes})
    for shard in value.addressable_shards:
        box = box_of(shard.index, shape)
        if shard.replica_id == turn % copies and box is not None:
            yield box, np.asarray(shard.data)


class Processes:
    """The processes of `jax.distributed`, as a `kport.formats.Group`."""

    @property
    def rank(self) -> int:
        """Which of them this one is."""
        return int(jax.process_index())

    @property
    def count(self) -> int:
        """How many there are."""
        return int(jax.process_count())

    def gather(self, data: bytes) -> list[bytes]:
        """Return what each process gave, once all of them have called."""
        sizes = process_allgather(np.array([len(data)]))[:, 0]
        padded = np.zeros(max(sizes), np.uint8)
        padded[: len(data)] = np.frombuffer(data, np.uint8)
        rows = process_allgather(padded)
        return [bytes(row[:size]) for row, size in zip(rows, sizes, strict=True)]


def processes() -> Processes | None:
    """Return the processes that run this program together; None where it is one."""
    return Processes() if jax.process_count() > 1 else None


def _places(sharding: Any, shape: tuple[int, ...]) -> dict[Any, Box]:
    """Device of this process -> what it holds."""
    found = sharding.addressable_devices_indices_map(shape)
    return {device: box_of(index or (), shape) or () for device, index in found.items()}


def _assembled(sharding: Any, shape: tuple[int, ...], buffers: Mapping[Box, Array]) -> Any:
    arrays = [
        jax.device_put(buffers[box], device) for device, box in _places(sharding, shape).items()
    ]
    return jax.make_array_from_single_device_arrays(shape, sharding, arrays)
