"""Layers of Keras whose state is no variable, and how it is put back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

__all__ = ["Bins", "bins_of"]


class Bins:
    """What `Discretization` learned by ``adapt``: quantiles, out of which it computes its bins."""

    attribute = "summary"

    def __init__(self, layer: keras.layers.Discretization) -> None:
        self._layer = layer
        self.name = layer.name

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Take the quantiles, as the layer's own method does, and compute the bins anew."""
        self._layer.load_own_variables(store)
        self._layer.finalize_state()


def bins_of(layer: Any) -> Bins | None:
    """Return the state of a layer that learns its bins; None for any other layer."""
    learns = isinstance(layer, keras.layers.Discretization) and layer.num_bins is not None
    return Bins(layer) if learns else None
