"""Activations of Keras 2; importing this module imports Keras.

Sources: ``keras/activations.py`` (`hard_sigmoid`) and ``keras/layers/activation/
thresholded_relu.py`` of Keras 2.12.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

__all__ = ["ThresholdedReLU", "hard_sigmoid_v1"]


@keras.saving.register_keras_serializable("kport", name="hard_sigmoid_v1")  # type: ignore[untyped-decorator]  # Keras has no types
def hard_sigmoid_v1(x: Any) -> Any:
    """Return ``clip(0.2 x + 0.5, 0, 1)``; Keras 3's hard_sigmoid has a slope of 1/6."""
    return ops.clip(0.2 * ops.convert_to_tensor(x) + 0.5, 0.0, 1.0)


@keras.saving.register_keras_serializable("kport")
class ThresholdedReLU(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Give ``x`` where it is greater than ``theta``, and zero elsewhere."""

    def __init__(self, theta: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.theta = float(theta)

    def call(self, inputs: Any) -> Any:
        """Return the thresholded inputs."""
        return ops.where(inputs > self.theta, inputs, ops.zeros_like(inputs))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape unchanged."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "theta": self.theta}
