"""Layers of Keras 2 around products and norms; importing this module imports Keras.

Sources: ``keras/layers/kernelized.py``, ``keras/layers/convolutional/separable_conv1d.py``,
``keras/layers/attention/multi_head_attention.py`` and
``keras/layers/normalization/batch_normalization.py`` of Keras 2.15.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

__all__ = [
    "BatchNormalization",
    "MultiHeadAttention",
    "RandomFourierFeatures",
    "SeparableConv1D",
    "SyncBatchNormalization",
]


@keras.saving.register_keras_serializable("kport")
class RandomFourierFeatures(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Give ``cos(x W / scale + b)`` with W and b drawn once."""

    def __init__(
        self,
        output_dim: int,
        kernel_initializer: Any = "gaussian",
        scale: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.output_dim = int(output_dim)
        self.kernel_initializer = kernel_initializer
        self.scale = scale

    def build(self, input_shape: Any) -> None:
        """Make the weights under the names of Keras 2; their values come from a file."""
        wide = int(input_shape[-1])
        shapes = {"unscaled_kernel": (wide, self.output_dim), "bias": (self.output_dim,)}
        for name, shape in shapes.items():
            weight = self.add_weight(shape=shape, name=name, initializer="normal", trainable=False)
            setattr(self, name, weight)
        gaussian = self.kernel_initializer == "gaussian"
        usual = (wide / 2) ** 0.5 if gaussian else 1.0
        self.kernel_scale = self.add_weight(
            shape=(1,),
            name="kernel_scale",
            initializer=keras.initializers.Constant(usual if self.scale is None else self.scale),
            constraint="non_neg",
        )

    def call(self, inputs: Any) -> Any:
        """Return the features."""
        kernel = self.unscaled_kernel / self.kernel_scale
        return ops.cos(ops.matmul(inputs, kernel) + self.bias)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape with the last size replaced."""
        return (*input_shape[:-1], self.output_dim)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("output_dim", "kernel_initializer", "scale")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("kport")
class MultiHeadAttention(keras.layers.MultiHeadAttention):  # type: ignore[misc]  # Keras has no types
    """Attention whose values may be wider than its keys, and whose queries may have no keys.

    The fused kernel that Keras 3 uses on JAX wants both alike; with the scores asked for, Keras
    does without it. A query that the mask keeps from every key attends to all alike in Keras 2
    (``keras/layers/activation/softmax.py`` of 2.15 adds the same large number to every score), to
    none in Keras 3.

    Arguments:
        heeds_masks: Whether masks of the inputs count and go on; before Keras 2.10 they did not.
    """

    def __init__(self, *args: Any, heeds_masks: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heeds_masks = heeds_masks

    def _masked_softmax(self, attention_scores: Any, attention_mask: Any = None) -> Any:
        # Private in Keras 3.15, and the one place between scores and values; were it called
        # otherwise, the masked attention of the golden files would come out different.
        found = super()._masked_softmax(attention_scores, attention_mask)
        if attention_mask is None:
            return found
        keys = tuple(range(-len(self.attention_axes), 0))
        alike = ops.ones_like(found)
        alike = alike / ops.sum(alike, axis=keys, keepdims=True)
        return ops.where(ops.sum(found, axis=keys, keepdims=True) > 0, found, alike)

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: Any = None,
        use_causal_mask: bool = False,
    ) -> Any:
        """Return the attention, with its scores if they are asked for."""
        if not self.heeds_masks:  # they hang on their tensors, and copies have none
            query, value = ops.copy(query), ops.copy(value)
            key = key if key is None else ops.copy(key)
            query_mask = value_mask = key_mask = None
        found = super().call(
            query,
            value,
            key=key,
            query_mask=query_mask,
            value_mask=value_mask,
            key_mask=key_mask,
            attention_mask=attention_mask,
            return_attention_scores=True,
            training=training,
            use_causal_mask=use_causal_mask,
        )
        return found if return_attention_scores else found[0]

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Return the mask of the outputs."""
        return previous_mask if self.heeds_masks else None

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {} if self.heeds_masks else {"heeds_masks": False}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("kport")
class SeparableConv1D(keras.layers.SeparableConv1D):  # type: ignore[misc]  # Keras has no types
    """A separable convolution that sees the past alone."""

    def __init__(self, *args: Any, padding: str = "causal", **kwargs: Any) -> None:
        if padding != "causal":
            raise ValueError(f"padding {padding!r}: keras.layers.SeparableConv1D does that")
        super().__init__(*args, padding="valid", **kwargs)

    def call(self, inputs: Any) -> Any:
        """Return the convolution of the inputs with zeros before them."""
        return super().call(self._after_zeros(inputs))

    def _after_zeros(self, inputs: Any) -> Any:
        before = [self.dilation_rate[0] * (self.kernel_size[0] - 1), 0]
        first = self.data_format == "channels_first"
        return ops.pad(inputs, [[0, 0], [0, 0], before] if first else [[0, 0], before, [0, 0]])

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the convolution."""
        found = keras.KerasTensor(input_shape)
        return super().compute_output_shape(self._after_zeros(found).shape)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "padding": "causal"}


@keras.saving.register_keras_serializable("kport")
class SyncBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]  # Keras has no types
    """Batch normalization over all devices; at inference like any other."""


@keras.saving.register_keras_serializable("kport")
class BatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]  # Keras has no types
    """Batch normalization over several axes, at inference."""

    def __init__(self, axis: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axes = tuple(axis)

    def build(self, input_shape: Any) -> None:
        """Make the weights over the axes, with a size of one for the axes between."""
        rank = len(input_shape)
        axes = {axis % rank for axis in self.axes}
        shape = tuple(input_shape[place] if place in axes else 1 for place in range(rank))
        wanted = {
            "gamma": self.scale,
            "beta": self.center,
            "moving_mean": True,
            "moving_variance": True,
        }
        for name, present in wanted.items():
            weight = (
                self.add_weight(
                    shape=shape,
                    name=name,
                    initializer=getattr(self, f"{name}_initializer"),
                    regularizer=getattr(self, f"{name}_regularizer", None),
                    constraint=getattr(self, f"{name}_constraint", None),
                    trainable=not name.startswith("moving"),
                )
                if present
                else None
            )
            setattr(self, name, weight)
        self.built = True

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Return the normalized inputs.

        Raises:
            NotImplementedError: In training.
        """
        if training and self.trainable:
            raise NotImplementedError(f"{self.name!r} normalizes over several axes: no training")
        found = (inputs - self.moving_mean) * ops.rsqrt(self.moving_variance + self.epsilon)
        found = found if self.gamma is None else found * self.gamma
        return found if self.beta is None else found + self.beta

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "axis": list(self.axes)}
