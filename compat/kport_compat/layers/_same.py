"""Layers that Keras 3 computes otherwise on PyTorch; importing this module imports Keras.

Sources: ``keras/layers/normalization/layer_normalization.py`` and ``keras/layers/pooling/`` of
Keras 2.15; ``keras/src/backend/torch/nn.py`` of 3.15.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kport_compat.ops import average_pool

__all__ = ["POOLS", "LayerNormalization"]


def _pool(parent: Any) -> Any:
    class Pool(parent):  # type: ignore[misc]  # Keras has no types
        def call(self, inputs: Any) -> Any:
            """Return the averages of what lies inside of the input."""
            if None in inputs.shape[1:]:
                return super().call(inputs)  # TensorFlow alone calls layers so, and is right
            sizes = (self.pool_size, self.strides or self.pool_size)
            return average_pool(inputs, *sizes, self.padding, self.data_format)

    Pool.__name__ = Pool.__qualname__ = parent.__name__
    Pool.__doc__ = f"An {parent.__name__} that counts no padding."
    return keras.saving.register_keras_serializable("kport")(Pool)


POOLS = {
    f"AveragePooling{rank}D": _pool(getattr(keras.layers, f"AveragePooling{rank}D"))
    for rank in (1, 2, 3)
}
"""Class name -> the class that counts no padding."""


@keras.saving.register_keras_serializable("kport")
class LayerNormalization(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Layer normalization over several axes."""

    def __init__(
        self,
        axis: Any,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.axis = list(axis)
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.initializers = {
            "gamma": keras.initializers.get(gamma_initializer),
            "beta": keras.initializers.get(beta_initializer),
        }
        self.regularizers = {
            "gamma": keras.regularizers.get(gamma_regularizer),
            "beta": keras.regularizers.get(beta_regularizer),
        }
        self.constraints = {
            "gamma": keras.constraints.get(gamma_constraint),
            "beta": keras.constraints.get(beta_constraint),
        }

    def build(self, input_shape: Any) -> None:
        """Make the weights, their axes in the order in which the config names them."""
        shape = tuple(input_shape[axis] for axis in self.axis)
        for name, present in (("gamma", self.scale), ("beta", self.center)):
            weight = None
            if present:
                weight = self.add_weight(
                    shape=shape,
                    name=name,
                    initializer=self.initializers[name],
                    regularizer=self.regularizers[name],
                    constraint=self.constraints[name],
                )
            setattr(self, name, weight)

    def call(self, inputs: Any) -> Any:
        """Return the normalized inputs."""
        x = ops.cast(inputs, "float32") if self.compute_dtype == "float16" else inputs
        rank = len(x.shape)
        axes = tuple(sorted(axis % rank for axis in self.axis))
        mean, variance = ops.moments(x, axes=axes, keepdims=True)
        found = (x - mean) * ops.rsqrt(variance + self.epsilon)
        # Keras 2 reshapes the weights, whatever the order of their axes; files rely on it.
        shape = [x.shape[axis] if axis in axes else 1 for axis in range(rank)]
        if self.gamma is not None:
            found = found * ops.reshape(self.gamma, shape)
        if self.beta is not None:
            found = found + ops.reshape(self.beta, shape)
        return ops.cast(found, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape unchanged."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = {name: getattr(self, name) for name in ("axis", "epsilon", "center", "scale")}
        for name in ("gamma", "beta"):
            for kind in ("initializers", "regularizers", "constraints"):
                one = getattr(self, kind)[name]
                config[f"{name}_{kind[:-1]}"] = getattr(keras, kind).serialize(one)
        return {**super().get_config(), **config}
