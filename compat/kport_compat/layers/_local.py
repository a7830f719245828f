"""Convolutions that share no weights; importing this module imports Keras.

Source: ``keras/layers/locally_connected/`` of Keras 2.15 (`LocallyConnected1D`,
`LocallyConnected2D`, `local_conv`) and ``keras/utils/conv_utils.py`` (`conv_connected_inputs`).
The argument ``implementation`` says in which of three forms the kernel is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import keras
import numpy as np
from keras import ops

__all__ = ["LocallyConnected1D", "LocallyConnected2D"]


class _LocallyConnected(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    _rank = 0

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        implementation: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            activity_regularizer=keras.regularizers.get(activity_regularizer), **kwargs
        )
        if implementation not in (1, 2, 3) or (implementation == 1 and padding != "valid"):
            raise ValueError(f"no implementation {implementation} with padding {padding!r}")
        self.filters = int(filters)
        self.kernel_size = _numbers(kernel_size, self._rank)
        self.strides = _numbers(strides, self._rank)
        self.padding = padding.lower()
        self.data_format = data_format or "channels_last"
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)
        self.implementation = implementation

    @property
    def _first(self) -> bool:
        return self.data_format == "channels_first"

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias in the shapes that Keras 2 gives them."""
        sizes = tuple(int(size) for size in input_shape[1:])
        inner, channels = (sizes[1:], sizes[0]) if self._first else (sizes[:-1], sizes[-1])
        outer = self._lengths(inner)
        if min(outer) <= 0:
            raise ValueError(f"an input of {sizes} is too small for {self.name!r}")
        self._pairs, shape = {1: self._shared_rows, 2: self._whole, 3: self._sparse}[
            self.implementation
        ](inner, outer, channels)
        self.kernel = self.add_weight(
            shape=shape,
            name="kernel",
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(*outer, self.filters),
                name="bias",
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self._outer = outer

    def _lengths(self, inner: tuple[Any, ...]) -> tuple[Any, ...]:
        lost = [0 if self.padding == "same" else size - 1 for size in self.kernel_size]
        return tuple(
            None if size is None else -(-(size - less) // step)
            for size, less, step in zip(inner, lost, self.strides, strict=True)
        )

    def _seen(self, inner: Any, outer: Any) -> Iterator[tuple[Any, list[Any]]]:
        """Yield each place of the output and the places of the input it depends on."""
        for place in product(*(range(size) for size in outer)):
            ranges = []
            for at, size, width, step in zip(
                place, inner, self.kernel_size, self.strides, strict=True
            ):
                left = width // 2
                middle = at * step + (left if self.padding == "valid" else 0)
                ranges.append(range(max(0, middle - left), min(size, middle + width - left)))
            yield place, list(product(*ranges))

    def _flat(self, sizes: Any, channels: int) -> Any:
        """Return int[*sizes, channels]: where each value stands in the flattened tensor."""
        shape = (channels, *sizes) if self._first else (*sizes, channels)
        places = np.arange(int(np.prod(shape))).reshape(shape)
        return np.moveaxis(places, 0, -1) if self._first else places

    def _shared_rows(self, inner: Any, outer: Any, channels: int) -> tuple[Any, Any]:
        places = self._flat(inner, channels)
        rows = [np.stack([places[one] for one in seen]) for _, seen in self._seen(inner, outer)]
        index = np.stack([(row.T if self._first else row).ravel() for row in rows])
        return index, (*index.shape, self.filters)

    def _whole(self, inner: Any, outer: Any, channels: int) -> tuple[Any, Any]:
        mask = np.zeros((*inner, *outer), "float32")
        for place, seen in self._seen(inner, outer):
            for one in seen:
                mask[(*one, *place)] = 1
        if self._first:
            shape = (channels, *inner, self.filters, *outer)
            return np.expand_dims(mask, (0, self._rank + 1)), shape
        shape = (*inner, channels, *outer, self.filters)
        return np.expand_dims(mask, (self._rank, 2 * self._rank + 1)), shape

    def _sparse(self, inner: Any, outer: Any, channels: int) -> tuple[Any, Any]:
        source, target = self._flat(inner, channels), self._flat(outer, self.filters)
        pairs = sorted(
            (int(new), int(old))
            for place, seen in self._seen(inner, outer)
            for one in seen
            for new in target[place]
            for old in source[one]
        )
        return np.array(pairs), (len(pairs),)

    def call(self, inputs: Any) -> Any:
        """Return the convolution."""
        flat = ops.reshape(inputs, (-1, int(np.prod(inputs.shape[1:]))))
        found = {1: self._by_rows, 2: self._by_mask, 3: self._by_pairs}[self.implementation](flat)
        if self.bias is not None:
            # Keras 2 reshapes the bias here, where a transposition was meant; files rely on it.
            shape = (1, self.filters, *self._outer) if self._first else (1, *self.bias.shape)
            found = found + ops.reshape(self.bias, shape)
        return self.activation(found)

    def _shaped(self, flat: Any) -> Any:
        form = (self.filters, *self._outer) if self._first else (*self._outer, self.filters)
        return ops.reshape(flat, (-1, *form))

    def _by_rows(self, flat: Any) -> Any:
        rows = ops.take(flat, self._pairs, axis=1)
        found = ops.einsum("bpk,pkf->bpf", rows, ops.convert_to_tensor(self.kernel))
        return self._shaped(ops.swapaxes(found, 1, 2) if self._first else found)

    def _by_mask(self, flat: Any) -> Any:
        masked = self.kernel * ops.convert_to_tensor(self._pairs, dtype=self.compute_dtype)
        return self._shaped(ops.matmul(flat, ops.reshape(masked, (flat.shape[1], -1))))

    def _by_pairs(self, flat: Any) -> Any:
        parts = ops.take(flat, self._pairs[:, 1], axis=1) * self.kernel
        count = int(np.prod(self._outer)) * self.filters
        total = ops.segment_sum(ops.transpose(parts), self._pairs[:, 0], count)
        return self._shaped(ops.transpose(total))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the convolution."""
        if self._first:
            return (input_shape[0], self.filters, *self._lengths(input_shape[2:]))
        return (input_shape[0], *self._lengths(input_shape[1:-1]), self.filters)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        plain = ("filters", "kernel_size", "strides", "padding", "data_format", "use_bias")
        config = {name: getattr(self, name) for name in (*plain, "implementation")}
        config["activation"] = keras.activations.serialize(self.activation)
        for name in ("kernel_initializer", "bias_initializer"):
            config[name] = keras.initializers.serialize(getattr(self, name))
        for name in ("kernel_regularizer", "bias_regularizer", "activity_regularizer"):
            config[name] = keras.regularizers.serialize(getattr(self, name))
        for name in ("kernel_constraint", "bias_constraint"):
            config[name] = keras.constraints.serialize(getattr(self, name))
        return {**super().get_config(), **config}


def _numbers(found: Any, rank: int) -> tuple[int, ...]:
    return (int(found),) * rank if isinstance(found, int) else tuple(int(one) for one in found)


@keras.saving.register_keras_serializable("kport")
class LocallyConnected1D(_LocallyConnected):
    """A convolution along one axis whose every place has a kernel of its own."""

    _rank = 1


@keras.saving.register_keras_serializable("kport")
class LocallyConnected2D(_LocallyConnected):
    """A convolution along two axes whose every place has a kernel of its own."""

    _rank = 2
