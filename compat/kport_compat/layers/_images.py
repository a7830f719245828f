"""Image layers that Keras 3 dropped or computes otherwise; importing this module imports Keras.

Source: ``keras/layers/preprocessing/image_preprocessing.py``, ``keras/utils/image_utils.py``
(`smart_resize`) and ``keras/layers/reshaping/up_sampling2d.py`` of Keras 2.15. All take images of
any number type and give floating ones, channels last.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kport_compat.ops import resize, sizes_of

__all__ = ["RandomCrop", "RandomHeight", "RandomWidth", "Resizing", "UpSampling2D"]


class _Images(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)

    def _resized(self, images: Any, size: tuple[int, int], method: str = "bilinear") -> Any:
        images = images if method == "nearest" else ops.cast(images, "float32")
        return ops.cast(resize(images, size, method), self.compute_dtype)

    def _smartly(self, images: Any, size: tuple[int, int], method: str = "bilinear") -> Any:
        """Cut the middle out that has the proportions of the new size, then resize it."""
        high, wide = sizes_of(images)
        rows = min(high, int(float(wide * size[0]) / size[1]))
        columns = min(wide, int(float(high * size[1]) / size[0]))
        top, left = int(float(high - rows) / 2), int(float(wide - columns) / 2)
        part = images[..., top : top + rows, left : left + columns, :]
        return self._resized(part, size, method)


@keras.saving.register_keras_serializable("kport")
class Resizing(_Images):
    """Resize images by any of TensorFlow's methods."""

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.height = int(height)
        self.width = int(width)
        self.interpolation = interpolation.lower()
        self.crop_to_aspect_ratio = crop_to_aspect_ratio

    def call(self, inputs: Any) -> Any:
        """Return the resized images."""
        change = self._smartly if self.crop_to_aspect_ratio else self._resized
        return change(inputs, (self.height, self.width), self.interpolation)

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the shape with height and width replaced."""
        shape = (*inputs.shape[:-3], self.height, self.width, inputs.shape[-1])
        return keras.KerasTensor(shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("height", "width", "interpolation", "crop_to_aspect_ratio")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("kport")
class RandomCrop(_Images):
    """Cut a random part out in training; at inference cut the middle out and resize it."""

    def __init__(self, height: int, width: int, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.height = int(height)
        self.width = int(width)
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return images of the size of the crop."""
        high, wide = sizes_of(inputs)
        if not training or high < self.height or wide < self.width:
            return self._smartly(inputs, (self.height, self.width))
        images = ops.cast(inputs, self.compute_dtype)
        for axis, free in ((-3, high - self.height), (-2, wide - self.width)):
            start = keras.random.randint((), 0, free + 1, seed=self.generator)
            size = self.height if axis == -3 else self.width
            images = ops.take(images, start + ops.arange(size), axis=axis)
        return images

    def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        """Return the shape with height and width replaced."""
        shape = (*inputs.shape[:-3], self.height, self.width, inputs.shape[-1])
        return keras.KerasTensor(shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("height", "width", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class _RandomSize(_Images):
    """Stretch one axis by a random factor in training; do nothing at inference."""

    _axis = 0

    def __init__(
        self, factor: Any, interpolation: str = "bilinear", seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.factor = factor
        self.interpolation = interpolation
        self.seed = seed

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the images as they are.

        Raises:
            NotImplementedError: In training: compiled backends know no random sizes.
        """
        if training:
            raise NotImplementedError(
                f"{self.name!r} gives images of random size, which only Keras 2 can train with; "
                "replace it by RandomZoom"
            )
        return ops.cast(inputs, self.compute_dtype)

    def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        """Return the shape, in which one size is not known."""
        shape = list(inputs.shape)
        shape[self._axis] = None
        return keras.KerasTensor(shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("factor", "interpolation", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("kport")
class RandomHeight(_RandomSize):
    """Stretch the height in training."""

    _axis = -3


@keras.saving.register_keras_serializable("kport")
class RandomWidth(_RandomSize):
    """Stretch the width in training."""

    _axis = -2


@keras.saving.register_keras_serializable("kport")
class UpSampling2D(keras.layers.UpSampling2D):  # type: ignore[misc]  # Keras has no types
    """Enlarge by any of TensorFlow's methods."""

    def __init__(self, size: Any = 2, interpolation: str = "nearest", **kwargs: Any) -> None:
        super().__init__(size, interpolation="nearest", **kwargs)
        self.interpolation = interpolation

    def call(self, inputs: Any) -> Any:
        """Return the enlarged images."""
        first = self.data_format == "channels_first"
        images = ops.moveaxis(inputs, 1, -1) if first else inputs
        size = tuple(a * b for a, b in zip(sizes_of(images), self.size, strict=True))
        images = ops.cast(resize(images, size, self.interpolation), self.compute_dtype)
        return ops.moveaxis(images, -1, 1) if first else images
