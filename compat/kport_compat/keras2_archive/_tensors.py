"""The tensors of a ``model.weights.h5`` that Keras 2 wrote, under Keras 3's paths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from kport.checkpoint import JSON, Kind, LazyTensor, Note
from kport.formats._hdf5 import StoredArray
from kport_compat.keras2_archive._paths import translated

__all__ = ["Tensors", "tensors_of"]

Tensors = dict[str, LazyTensor]

_OPTIMIZER = "optimizer/vars/"
# MultiHeadAttention of Keras 3 has public names for the same layers, which come first in its walk.
_HEADS = {f"/_{name}_dense/": f"/{name}_dense/" for name in ("key", "output", "query", "value")}
# Optimizers whose variables stand in the same order in Keras 2.12 to 2.15 and in Keras 3, behind
# the iteration and, in Keras 3, the learning rate (`build` in keras/optimizers/*.py of both).
_SAME_ORDER = frozenset(
    {"Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lion", "RMSprop", "SGD"}
)


def tensors_of(
    arrays: Mapping[str, StoredArray], paths: Mapping[str, str], optimizer: JSON | None
) -> tuple[Tensors, list[Note]]:
    """Return the tensors and what was left out.

    Arguments:
        arrays: The datasets by path.
        paths: See `keras_3_paths`.
        optimizer: The translated config of the optimizer, None where there is none.
    """
    rest = {path: one for path, one in arrays.items() if not path.startswith("optimizer/")}
    state = [one for path, one in arrays.items() if path not in rest]
    tensors = [_tensor(one, translated(path, paths), _kind(path)) for path, one in rest.items()]
    slots, notes = _optimizer(state, optimizer)
    return {one.name: one for one in (*tensors, *slots)}, notes


def _kind(path: str) -> Kind:
    metric = path.startswith("metrics/") or "/_metrics/" in path
    return Kind.METRIC if metric else Kind.PARAMETER


def _tensor(stored: StoredArray, path: str, kind: Kind) -> LazyTensor:
    for old, new in _HEADS.items():
        path = path.replace(old, new)
    return LazyTensor(path, stored.shape, stored.dtype, kind, stored.source, path)


def _optimizer(
    state: Iterable[StoredArray], optimizer: JSON | None
) -> tuple[list[LazyTensor], list[Note]]:
    found = {one.path: one for one in state}
    if not found:
        why = "its state is not in the file: Keras 2 left out that of legacy optimizers"
        return [], [Note("dropped", "optimizer", why)] if optimizer else []
    reason = _unsure(found, optimizer)
    if reason or optimizer is None:
        return [], [Note("dropped", "optimizer", f"{reason}; training starts with fresh slots")]
    rate = optimizer["config"].get("learning_rate")
    numeric = isinstance(rate, int | float)
    tensors = []
    for place in range(len(found)):
        path = f"{_OPTIMIZER}{place + 1 if place and numeric else place}"
        tensors.append(_tensor(found[f"{_OPTIMIZER}{place}"], path, Kind.OPTIMIZER))
    if numeric:
        value = np.array(rate, "<f4")
        path = f"{_OPTIMIZER}1"
        tensors.append(LazyTensor(path, (), "float32", Kind.OPTIMIZER, lambda: value.copy(), path))
    return tensors, []


def _unsure(found: Mapping[str, StoredArray], optimizer: JSON | None) -> str:
    """Return why the state cannot be ordered with certainty, empty when it can."""
    cls = optimizer["class_name"] if optimizer else ""
    config = optimizer["config"] if optimizer else {}
    if cls not in _SAME_ORDER:
        return f"the state of {cls or 'an optimizer without config'} is not translated yet"
    if config.get("use_ema"):
        return "the averages that use_ema keeps are not translated yet"
    if cls == "SGD" and not config.get("momentum") and len(found) > 1:
        return "Keras 3's SGD keeps no momentum here"
    if set(found) != {f"{_OPTIMIZER}{place}" for place in range(len(found))}:
        return "it has other parts than variables"
    return "" if not found[f"{_OPTIMIZER}0"].shape else "it has no iteration counter"
