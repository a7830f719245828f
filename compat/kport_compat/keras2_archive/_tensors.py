"""The tensors of a ``model.weights.h5`` that Keras 2 wrote, under Keras 3's paths."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from kport.checkpoint import JSON, Kind, LazyTensor, Note
from kport.formats.hdf5 import StoredArray
from kport_compat.keras2_archive._compiled import LOSS_SCALED
from kport_compat.keras2_archive._paths import translated
from kport_compat.training import variable_by_variable

__all__ = ["Tensors", "tensors_of"]

Tensors = dict[str, LazyTensor]

_OPTIMIZERS = (*LOSS_SCALED, "optimizer")
# MultiHeadAttention of Keras 3 has public names for the same layers, which come first in its walk.
_HEADS = {f"/_{name}_dense/": f"/{name}_dense/" for name in ("key", "output", "query", "value")}
# A linear model keeps its products in a list that has another name in the archives of Keras 2.
_LINEAR = re.compile(r"((?:^|/)linear_model(?:_\d+)?)/layers/(dense)")


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
    if "/optimizer/" in path:  # of a model inside, compiled by itself, as a GAN's discriminator is
        return Kind.OPTIMIZER
    metric = path.startswith("metrics/") or "/_metrics/" in path
    return Kind.METRIC if metric else Kind.PARAMETER


def _tensor(stored: StoredArray, path: str, kind: Kind) -> LazyTensor:
    for old, new in _HEADS.items():
        path = path.replace(old, new)
    path = _LINEAR.sub(r"\1/dense_layers/\2", path)
    return LazyTensor(path, stored.shape, stored.dtype, kind, stored.source, path)


def _optimizer(
    state: Iterable[StoredArray], optimizer: JSON | None
) -> tuple[list[LazyTensor], list[Note]]:
    found = {one.path: one for one in state}
    if not found:
        why = "its state is not in the file: Keras 2 left out that of legacy optimizers"
        return [], [Note("dropped", "optimizer", why)] if optimizer else []
    start = next(one for one in (*_OPTIMIZERS, "") if any(path.startswith(one) for path in found))
    places = [f"{start}/vars/{index}" for index in range(len(found))]
    values = [_tensor(found[one], one, Kind.OPTIMIZER) for one in places if one in found]
    return variable_by_variable(values, optimizer)
