"""Which objects only take their variables, and which do more when they load."""

from __future__ import annotations

from functools import cache
from typing import Any

import keras

__all__ = ["saves_itself", "sets_only_variables"]


def saves_itself(thing: object) -> bool:
    """Whether what is saved of an object comes out of a user's method, not out of Keras's."""
    method = getattr(type(thing), "save_own_variables", None)
    return not getattr(method, "__module__", "").startswith("keras.")


def sets_only_variables(thing: Any, quantized: bool = False) -> bool:
    """Whether `load_own_variables` of an object does nothing but assign its variables.

    For such an object kport assigns them itself, in one copy. Any other (a user's own method,
    Normalization, which computes its constants anew) is given its values by calling the method.

    Arguments:
        thing: A layer, model, optimizer, metric or seed generator.
        quantized: Whether the values are those of Keras's archive, which merges LoRA and packs
            quantized kernels; then only the plainest methods count.
    """
    method = getattr(type(thing), "load_own_variables", None)
    return method is None or method in _assigning(quantized)


@cache
def _assigning(quantized: bool) -> tuple[Any, ...]:
    plain = (
        keras.Layer.load_own_variables,
        keras.optimizers.Optimizer.load_own_variables,
    )
    packing = (
        keras.layers.Conv2D.load_own_variables,
        keras.layers.Dense.load_own_variables,
        keras.layers.EinsumDense.load_own_variables,
        keras.layers.Embedding.load_own_variables,
    )
    return plain if quantized else plain + packing
