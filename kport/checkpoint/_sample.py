"""Inputs with the outputs a model once gave for them: the proof a file can carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from kport.checkpoint._tensor import Array
from kport.errors import CorruptFileError, PathNotFoundError, UsageError, mapped

__all__ = ["Sample", "flatten", "load_sample", "unflatten"]

Nested = Any
"""An array, or lists and dicts of such."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Inputs and, where known, the true outputs of a model in inference mode.

    Arguments:
        inputs: One array, or nested lists and dicts of arrays, as the model is called with.
        outputs: The same for what it gave; None where nothing true is known.
    """

    inputs: Nested
    outputs: Nested = None

    def arrays(self) -> dict[str, Array]:
        """Return all arrays by name: ``inputs``, ``inputs.0``, ``outputs.name``."""
        named = dict(flatten(self.inputs, "inputs"))
        return named if self.outputs is None else named | dict(flatten(self.outputs, "outputs"))


def flatten(nested: Nested, name: str) -> Iterator[tuple[str, Array]]:
    """Walk nested lists and dicts of arrays, naming each leaf by its path."""
    if isinstance(nested, Mapping):
        for key in sorted(nested):
            yield from flatten(nested[key], f"{name}.{key}")
    elif isinstance(nested, (list, tuple)):
        for index, item in enumerate(nested):
            yield from flatten(item, f"{name}.{index}")
    else:
        yield name, np.asarray(nested)


def unflatten(arrays: Mapping[str, Array], name: str) -> Nested:
    """Undo `flatten`: numbered siblings become a list, named ones a dict; None when absent."""
    if name in arrays:
        return arrays[name]
    heads = {key[len(name) + 1 :].split(".")[0] for key in arrays if key.startswith(f"{name}.")}
    if not heads:
        return None
    if heads == {str(index) for index in range(len(heads))}:
        return [unflatten(arrays, f"{name}.{index}") for index in range(len(heads))]
    return {head: unflatten(arrays, f"{name}.{head}") for head in sorted(heads)}


def load_sample(path: str | PathLike[str]) -> Sample:
    """Read a sample from an ``.npz`` file with arrays ``inputs...`` and ``outputs...``.

    Raises:
        PathNotFoundError: There is no such file.
        CorruptFileError: It is no ``.npz``, or holds Python objects.
        UsageError: It has no array named ``inputs``.
    """
    if not Path(path).is_file():
        raise PathNotFoundError("no such file", path=path)
    with (
        mapped(CorruptFileError, "is no .npz file of plain arrays", path=path),
        np.load(path, allow_pickle=False) as archive,
    ):
        arrays = {name: archive[name] for name in archive.files}
    inputs = unflatten(arrays, "inputs")
    if inputs is None:
        raise UsageError(
            f"holds {sorted(arrays)}; expected an array 'inputs' or arrays 'inputs.NAME'",
            path=path,
        )
    return Sample(inputs, unflatten(arrays, "outputs"))
