"""Arrays between the processes of a verification, as safetensors files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from kport.checkpoint import Array, Kind, LazyTensor
from kport.formats.safetensors import read_file, write_file

__all__ = ["read_arrays", "write_arrays"]


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write named arrays to a file."""
    write_file(path, [_tensor(name, values) for name, values in arrays.items()])


def _tensor(name: str, values: Array) -> LazyTensor:
    return LazyTensor(
        name, values.shape, values.dtype.name, Kind.STATE, partial(np.asarray, values)
    )


def read_arrays(path: Path) -> dict[str, Array]:
    """Read all arrays of a file."""
    file = read_file(path)
    return {name: file.source(name)() for name in file.entries}
