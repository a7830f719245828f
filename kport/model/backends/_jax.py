"""JAX: arrays never change, so a variable takes a new one."""

from __future__ import annotations

import contextlib
from typing import Any

import jax
import keras
import numpy as np

from kport.checkpoint import Array
from kport.errors import SaveError
from kport.model.backends._memory import aligned_memory, aligned_zeros

__all__ = [
    "ZEROS_ARE_SHARED",
    "adopt",
    "buffer_for",
    "generator_state",
    "host_view",
    "randomness_apart",
    "states_in",
    "states_of",
    "zeros",
]

ZEROS_ARE_SHARED = True  # an array never changes


def host_view(value: jax.Array) -> Array:
    """Return a value as a NumPy array; on the CPU a read-only view of JAX's own memory.

    Parts on several devices are put together in new memory; JAX itself would keep that.
    """
    if len(value.sharding.device_set) == 1:
        return np.asarray(value)
    if value.is_fully_replicated:
        return np.asarray(value.addressable_shards[0].data)
    if not value.is_fully_addressable:
        raise SaveError(
            f"values of {value.dtype}{list(value.shape)} lie on devices of several processes",
            remedy="Save a bundle, in all processes at once; load that where one has them all.",
        )
    whole = np.empty(value.shape, value.dtype)
    for shard in value.addressable_shards:
        if shard.replica_id == 0:
            whole[shard.index] = np.asarray(shard.data)
    return whole


def buffer_for(variable: keras.Variable) -> Array:
    """Return new memory; the file itself must not be aliased, since it can change on disk."""
    return aligned_memory(tuple(variable.shape), variable.dtype)


def adopt(variable: keras.Variable, buffer: Array) -> None:
    """Make the memory an array on the variable's device.

    On the CPU the array is the memory itself, which nobody else knows.
    """
    variable.assign(jax.device_put(buffer))


def zeros(shape: tuple[int, ...], dtype: str) -> Any:
    """Return an array of zeros that on the CPU takes no memory until it is replaced."""
    return jax.device_put(aligned_zeros(shape, dtype))


def states_in(thing: object) -> dict[str, Any]:
    """Return what is changed in place of a thing that is no layer: no array ever is."""
    return {}


def states_of(layer: object) -> dict[str, Any]:
    """Return what the backend itself keeps with a layer: nothing that is no attribute."""
    return {}


def generator_state() -> bytes | None:
    """Return nothing: JAX has no generator of its own."""
    return None


def randomness_apart() -> contextlib.AbstractContextManager[None]:
    """Let random numbers go on as they did: JAX has no generator of its own."""
    return contextlib.nullcontext()
