"""PyTorch: parameters share memory with NumPy, but for the dtypes that NumPy does not know."""

from __future__ import annotations

import keras
import numpy as np
import torch

from kport.checkpoint import Array, numpy_dtype

__all__ = ["host_view", "put"]

# torch.Tensor.numpy() refuses these; they cross as integers of the same width.
_AS_INTEGER = {
    torch.bfloat16: torch.int16,
    torch.float8_e4m3fn: torch.int8,
    torch.float8_e5m2: torch.int8,
}


def host_view(variable: keras.Variable) -> Array:
    """Return the values as a NumPy array; on the CPU a view of the tensor's own memory."""
    tensor = variable.value.detach().cpu()
    if tensor.dtype not in _AS_INTEGER:
        return np.asarray(tensor.numpy())
    raw = tensor.view(_AS_INTEGER[tensor.dtype]).numpy()
    return np.asarray(raw.view(numpy_dtype(str(tensor.dtype).removeprefix("torch."))))


def put(variable: keras.Variable, values: Array) -> None:
    """Copy the values into the variable's memory, once."""
    target = variable.value.detach()
    values = np.ascontiguousarray(values).reshape(values.shape)  # 0-d stays 0-d
    if not values.flags.writeable:
        # torch.from_numpy warns of read-only memory, which a memory map is; nothing writes to it.
        values = _writable_view(values)
    if target.dtype in _AS_INTEGER:
        integers = values.view(np.dtype(f"int{8 * values.itemsize}"))
        target.view(_AS_INTEGER[target.dtype]).copy_(torch.from_numpy(integers))
    else:
        target.copy_(torch.from_numpy(values))


def _writable_view(values: Array) -> Array:
    return np.array(values)
