"""Layers that Keras computes wrongly on one backend; a model with one is refused there.

Keras 3.15 hands two layers to kernels of PyTorch that always work on the last axes, whatever axes
the layer names (``keras/src/ops/nn.py``, `_layer_normalization`, `_rms_normalization`): an error
where the sizes differ, other numbers where they happen to be equal. A test fails when Keras mends
it.
"""

from __future__ import annotations

from collections.abc import Iterator

import keras

from kport.errors import LoadError, Problem
from kport.model._walk import Walk

__all__ = ["refuse_wrong_kernels"]

_LAST_AXES_ONLY = (keras.layers.LayerNormalization, keras.layers.RMSNormalization)


def refuse_wrong_kernels(found: Walk) -> None:
    """Let no model pass that would compute something else here than where it was made.

    Raises:
        LoadError: It has such layers; all are named.
    """
    if keras.backend.backend() != "torch":
        return
    problems = [one for path, layer in found.layers() for one in _problems(path, layer)]
    if problems:
        raise LoadError(
            "Keras on PyTorch computes some layers of this model wrongly",
            problems=problems,
            remedy="Load it on TensorFlow or JAX (KERAS_BACKEND=jax).",
        )


def _problems(path: str, layer: keras.Layer) -> Iterator[Problem]:
    if type(layer) not in _LAST_AXES_ONLY or not layer.built:
        return
    shape = (layer.get_build_config() or {}).get("input_shape")
    if not isinstance(shape, (list, tuple)):
        return
    rank, axis = len(shape), layer.get_config()["axis"]
    axes = sorted(one % rank for one in (axis if isinstance(axis, (list, tuple)) else [axis]))
    if axes != list(range(rank - len(axes), rank)):
        text = f"over the axes {axes} of {rank}, which are not the last"
        yield Problem(path, f"{type(layer).__name__} {text}")
