"""The premade models of Keras 2; importing this module imports Keras.

Sources: ``keras/premade_models/linear.py`` and ``wide_deep.py`` of Keras 2.15.
"""

from __future__ import annotations

from typing import Any

import keras

__all__ = ["LinearModel", "WideDeepModel"]


@keras.saving.register_keras_serializable("kport")
class LinearModel(keras.Model):  # type: ignore[misc]  # Keras has no types
    """Give the activation of the sum of one product an input, and of a bias."""

    def __init__(
        self,
        units: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "zeros",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = int(units)
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)

    def build(self, input_shape: Any) -> None:
        """Make one product an input; a dict of inputs is taken in the order of its names."""
        named = isinstance(input_shape, dict)
        several = named or (bool(input_shape) and isinstance(input_shape[0], list | tuple))
        names = sorted(input_shape) if named else [None] * (len(input_shape) if several else 1)
        shapes = [input_shape[name] for name in names] if named else input_shape
        self.dense_layers = [self._product(name) for name in names]
        for layer, shape in zip(self.dense_layers, shapes if several else [shapes], strict=True):
            layer.build(tuple(shape))
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(self.units,),
                name="bias",
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
            )
        self.built = True

    def _product(self, name: str | None) -> Any:
        return keras.layers.Dense(
            self.units,
            use_bias=False,
            kernel_initializer=self.kernel_initializer,
            kernel_regularizer=self.kernel_regularizer,
            name=name,
        )

    def call(self, inputs: Any) -> Any:
        """Return the sum of the products, activated."""
        if isinstance(inputs, dict):
            inputs = [inputs[layer.name] for layer in self.dense_layers]
        parts = inputs if isinstance(inputs, list | tuple) else [inputs]
        total = 0
        for part, layer in zip(parts, self.dense_layers, strict=True):
            total = total + layer(part)
        return self.activation(total if self.bias is None else total + self.bias)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            "name": self.name,
            "trainable": self.trainable,
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
        }


@keras.saving.register_keras_serializable("kport")
class WideDeepModel(keras.Model):  # type: ignore[misc]  # Keras has no types
    """Give the activation of the sum of what a linear and a deep model give."""

    def __init__(
        self, linear_model: Any, dnn_model: Any, activation: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        read = keras.saving.deserialize_keras_object
        self.linear_model = read(linear_model) if isinstance(linear_model, dict) else linear_model
        self.dnn_model = read(dnn_model) if isinstance(dnn_model, dict) else dnn_model
        self.activation = keras.activations.get(activation)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the sum, activated; two inputs are one for each model."""
        two = isinstance(inputs, list | tuple) and len(inputs) == 2
        wide, deep = inputs if two else (inputs, inputs)
        total = self.linear_model(wide) + self.dnn_model(deep, training=training)
        return self.activation(total)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            "name": self.name,
            "linear_model": keras.saving.serialize_keras_object(self.linear_model),
            "dnn_model": keras.saving.serialize_keras_object(self.dnn_model),
            "activation": keras.activations.serialize(self.activation),
        }
