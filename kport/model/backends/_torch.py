"""PyTorch: parameters share memory with NumPy, but for the dtypes that NumPy does not know."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import torch

from kport.checkpoint import Array, numpy_dtype
from kport.model.backends._files import FILES
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

ZEROS_ARE_SHARED = False  # parameters are filled in their own memory

# torch.Tensor.numpy() refuses these; they cross as integers of the same width.
_AS_INTEGER = {
    torch.bfloat16: torch.int16,
    torch.float8_e4m3fn: torch.int8,
    torch.float8_e5m2: torch.int8,
}


def host_view(value: torch.Tensor) -> Array:
    """Return a value as a NumPy array; on the CPU a view of the tensor's own memory."""
    if value.dtype not in _AS_INTEGER:
        return np.asarray(value.numpy(force=True))
    raw = value.detach().view(_AS_INTEGER[value.dtype]).numpy(force=True)
    return np.asarray(raw.view(numpy_dtype(str(value.dtype).removeprefix("torch."))))


def buffer_for(variable: keras.Variable) -> Array:
    """Return the variable's own memory on the CPU, new memory on any other device or in a file."""
    tensor = variable.value.detach()
    if tensor.device.type == "cpu" and tensor.is_contiguous() and not FILES:
        return host_view(tensor)
    return aligned_memory(tuple(variable.shape), variable.dtype)


def adopt(variable: keras.Variable, buffer: Array) -> None:
    """Make the memory the variable's own, where it is not so already; copy it to other devices."""
    target = variable.value.detach()
    if target.data_ptr() == buffer.ctypes.data:
        return
    values = _tensor(buffer, target.dtype)
    if target.device.type == "cpu" and target.is_contiguous():
        variable.value.data = values
    else:
        target.copy_(values)


def zeros(shape: tuple[int, ...], dtype: str) -> Any:
    """Return a tensor of zeros that takes no memory until something is written to it."""
    return _tensor(aligned_zeros(shape, dtype), getattr(torch, dtype))


def states_in(thing: object) -> dict[str, Any]:
    """Return what is trained of a thing that is no layer of Keras, by its name inside."""
    if isinstance(thing, torch.nn.Module):
        return dict(thing.named_parameters())
    trained = isinstance(thing, torch.Tensor) and thing.requires_grad and thing.is_leaf
    return {"": thing} if trained else {}


def states_of(layer: Any) -> dict[str, Any]:
    """Return what PyTorch itself keeps with a layer by name: its parameters and buffers."""
    left_out = layer._non_persistent_buffers_set
    buffers = {name: one for name, one in layer._buffers.items() if name not in left_out}
    return {**layer._parameters, **buffers}


def _tensor(values: Array, dtype: torch.dtype) -> torch.Tensor:
    if dtype not in _AS_INTEGER:
        return torch.from_numpy(values)
    return torch.from_numpy(values.view(np.dtype(f"int{8 * values.itemsize}"))).view(dtype)


def generator_state() -> bytes | None:
    """Return the state of PyTorch's generator."""
    return bytes(torch.get_rng_state().numpy())


def randomness_apart() -> contextlib.AbstractContextManager[None]:
    """Draw other random numbers meanwhile, and go on afterwards as if none had been drawn."""
    return _apart()


@contextlib.contextmanager
def _apart() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):  # no initializer runs, and modules begin on the CPU
        torch.seed()
        yield
