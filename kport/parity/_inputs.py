"""The inputs that a model is run on: those stored with it, or seeded ones of its signature."""

from __future__ import annotations

from typing import Any

import numpy as np

from kport.checkpoint import Array, Checkpoint, Sample, numpy_dtype
from kport.errors import UsageError

__all__ = ["sample_for"]

_BATCH = 4
_FREE = 8  # the size of a free dimension other than the batch; most models take any
_INDEX_BOUND = 10  # integer inputs are often indices, and nobody makes a smaller vocabulary


def sample_for(checkpoint: Checkpoint, given: Sample | None) -> Sample:
    """Return what to run: the sample given, the one stored, or seeded inputs.

    Raises:
        UsageError: There is no sample and the model's inputs are not known.
    """
    stored = given or checkpoint.sample
    if stored is not None:
        return stored
    if checkpoint.spec.signature is None:
        raise UsageError(
            "does not say what inputs the model takes",
            remedy="Pass a sample (kport verify --sample FILE.npz), or save the model with one: "
            "kport.save(model, path, sample=x), a dict by name where call takes several arguments.",
        )
    generator = np.random.default_rng(0)
    bound = min(_INDEX_BOUND, *_vocabularies(checkpoint.spec.config), _INDEX_BOUND)
    return Sample(_seeded(checkpoint.spec.signature, generator, bound))


def _seeded(node: Any, generator: np.random.Generator, bound: int) -> Any:
    if isinstance(node, list):
        return [_seeded(child, generator, bound) for child in node]
    if not isinstance(node.get("dtype"), str) or not isinstance(node.get("shape"), list):
        return {name: _seeded(child, generator, bound) for name, child in sorted(node.items())}
    first, *rest = node["shape"] or [None]
    shape = [_BATCH if first is None else first, *(_FREE if n is None else n for n in rest)]
    return _array(shape if node["shape"] else [], node["dtype"], generator, bound)


def _array(shape: list[int], dtype: str, generator: np.random.Generator, bound: int) -> Array:
    if dtype == "string":
        raise UsageError("takes strings", remedy="Pass a sample (kport verify --sample FILE.npz).")
    wanted = numpy_dtype(dtype)
    if wanted.kind == "b":
        return np.asarray(generator.integers(0, 2, shape)).astype(wanted)
    if wanted.kind in "iu":
        return np.asarray(generator.integers(0, bound, shape)).astype(wanted)
    return np.asarray(generator.standard_normal(shape)).astype(wanted)


def _vocabularies(config: Any) -> list[int]:
    """The sizes of the embeddings in a model: an index beyond one is an error on some backends."""
    found: list[int] = []
    stack = [config]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            size = node.get("input_dim")
            if isinstance(size, int) and size > 0:
                found.append(size)
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return found
