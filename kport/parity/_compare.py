"""How far two sets of outputs are apart, and how far they may be."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kport.checkpoint import Array
from kport.errors import LoadError

__all__ = ["TOLERANCES", "compare", "tolerance_of"]

TOLERANCES = {
    "float64": 1e-5,  # most backends compute some operations in float32 all the same
    "float32": 1e-5,
    "float16": 1e-2,
    "bfloat16": 5e-2,  # 8 bits of mantissa, and backends round at different steps of a layer
}
"""The largest relative difference that is still the same output, by the dtype computed in."""


def tolerance_of(dtypes: set[str]) -> float:
    """Return the tolerance of the coarsest dtype that a model computes in or gives out."""
    return max((TOLERANCES.get(name, 0.0) for name in dtypes), default=TOLERANCES["float32"])


def compare(outputs: Mapping[str, Array], reference: Mapping[str, Array]) -> tuple[float, float]:
    """Return the largest absolute and the largest relative difference over all outputs.

    Relative is to the largest magnitude of the same output of the reference. NaN where the
    reference has NaN, and infinities of one sign, count as equal.

    Raises:
        LoadError: The outputs differ in number, name or shape.
    """
    if sorted(outputs) != sorted(reference):
        raise LoadError(f"gives the outputs {sorted(outputs)}; expected {sorted(reference)}")
    worst_abs = worst_rel = 0.0
    for name, expected in reference.items():
        got = outputs[name]
        if got.shape != expected.shape:
            raise LoadError(f"gives {name} of shape {got.shape}; expected {expected.shape}")
        largest, relative = _difference(got, expected)
        worst_abs, worst_rel = max(worst_abs, largest), max(worst_rel, relative)
    return worst_abs, worst_rel


def _difference(got: Array, expected: Array) -> tuple[float, float]:
    if expected.size == 0:
        return 0.0, 0.0
    wide = np.complex128 if expected.dtype.kind == "c" else np.float64
    a, b = got.astype(wide), expected.astype(wide)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):
        distance = np.where(same, 0.0, np.abs(a - b))
    largest = float(np.max(distance)) if not np.isnan(distance).any() else float("inf")
    finite = np.abs(b[np.isfinite(b)])
    scale = float(finite.max()) if finite.size else 0.0
    return largest, (largest / scale if scale else largest)
