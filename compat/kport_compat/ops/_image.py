"""Images (TensorFlow 2.15, ``tensorflow/python/ops/image_ops_impl.py``), channels last."""

from __future__ import annotations

from typing import Any

import numpy as np

from kport_compat.ops._adapter import (
    adapter,
    as_tensor,
    dtype_word,
    host,
    integers,
    is_floating,
    is_tensor,
    ops,
)
from kport_compat.ops._resize import resize, sizes_of

__all__: list[str] = []

# The numbers that TensorFlow 1 gave to methods (``ResizeMethodV1``).
_METHODS = {0: "bilinear", 1: "nearest", 2: "bicubic", 3: "area"}


@adapter("image.resize")
def _resize(
    images: Any,
    size: Any,
    method: Any = "bilinear",
    preserve_aspect_ratio: bool = False,
    antialias: bool = False,
) -> Any:
    x, (high, wide) = as_tensor(images), integers(size)
    if preserve_aspect_ratio:
        old = sizes_of(x)
        scale = min(high / old[0], wide / old[1])
        high, wide = (int(np.rint(scale * one)) for one in old)
    return resize(x, (high, wide), str(_METHODS.get(method, method)), antialias)


@adapter("compat.v1.image.resize compat.v1.image.resize_images image.resize_images")
def _resize_images(
    images: Any,
    size: Any,
    method: Any = "bilinear",
    align_corners: bool = False,
    preserve_aspect_ratio: bool = False,
) -> Any:
    if preserve_aspect_ratio:
        raise NotImplementedError("resize_images with preserve_aspect_ratio=True")
    centers = "corner" if align_corners else "legacy"
    return resize(images, size, str(_METHODS.get(method, method)), False, centers)


def _resizer(method: str) -> None:
    def call(
        images: Any, size: Any, align_corners: bool = False, half_pixel_centers: bool = False
    ) -> Any:
        centers = "half" if half_pixel_centers else "corner" if align_corners else "legacy"
        return resize(images, size, method, False, centers)

    word = {"nearest": "nearest_neighbor"}.get(method, method)
    adapter(f"compat.v1.image.resize_{word} image.resize_{word}")(call)


for _method in ("bilinear", "nearest", "bicubic", "area"):
    _resizer(_method)


def _flip(name: str, axis: int) -> None:
    def call(image: Any) -> Any:
        return ops.flip(as_tensor(image), axis)

    adapter(f"image.{name}")(call)


_flip("flip_left_right", -2)
_flip("flip_up_down", -3)


@adapter("image.transpose image.transpose_image")
def _transpose(image: Any) -> Any:
    return ops.swapaxes(as_tensor(image), -3, -2)


@adapter("image.rot90")
def _rot90(image: Any, k: int = 1) -> Any:
    x = as_tensor(image)
    turned = ops.swapaxes(x, -3, -2)
    return {
        0: lambda: x,
        1: lambda: ops.flip(turned, -3),
        2: lambda: ops.flip(x, (-3, -2)),
        3: lambda: ops.flip(turned, -2),
    }[k % 4]()


@adapter("image.rgb_to_grayscale")
def _rgb_to_grayscale(images: Any) -> Any:
    return ops.sum(_floats(images) * _row(images, (0.2989, 0.587, 0.114)), -1, keepdims=True)


@adapter("image.grayscale_to_rgb")
def _grayscale_to_rgb(images: Any) -> Any:
    x = as_tensor(images)
    return ops.concatenate([x, x, x], axis=-1)


def _colours(name: str, matrix: Any) -> None:
    def call(images: Any) -> Any:
        x = _floats(images)
        return ops.matmul(x, ops.convert_to_tensor(np.asarray(matrix), dtype=ops.dtype(x)))

    adapter(f"image.{name}")(call)


_colours(
    "rgb_to_yuv",
    [
        [0.299, -0.14714119, 0.61497538],
        [0.587, -0.28886916, -0.51496512],
        [0.114, 0.43601035, -0.10001026],
    ],
)
_colours(
    "rgb_to_yiq",
    [
        [0.299, 0.59590059, 0.2115],
        [0.587, -0.27455667, -0.52273617],
        [0.114, -0.32134392, 0.31119955],
    ],
)


@adapter("image.per_image_standardization")
def _per_image_standardization(image: Any) -> Any:
    x = as_tensor(image)
    x = x if is_floating(ops.dtype(x)) else ops.cast(x, "float32")
    axes = (-3, -2, -1)
    floor = 1.0 / np.sqrt(np.prod([integers(one) for one in x.shape[-3:]]))
    mean = ops.mean(x, axes, keepdims=True)
    return (x - mean) / ops.maximum(ops.std(x, axes, keepdims=True), float(floor))


@adapter("image.adjust_brightness")
def _adjust_brightness(image: Any, delta: Any) -> Any:
    return _floats(image) + delta


@adapter("image.adjust_contrast")
def _adjust_contrast(images: Any, contrast_factor: Any) -> Any:
    x = _floats(images)
    mean = ops.mean(x, (-3, -2), keepdims=True)
    return (x - mean) * contrast_factor + mean


@adapter("image.adjust_gamma")
def _adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Any:
    return gain * ops.power(_floats(image), float(gamma))


@adapter("image.crop_to_bounding_box")
def _crop(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Any:
    top, left = integers(offset_height), integers(offset_width)
    bottom, right = top + integers(target_height), left + integers(target_width)
    return as_tensor(image)[..., top:bottom, left:right, :]


@adapter("image.pad_to_bounding_box")
def _pad(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Any:
    x = as_tensor(image)
    high, wide = sizes_of(x)
    below, right = target_height - offset_height - high, target_width - offset_width - wide
    around = [[0, 0]] * (len(x.shape) - 3)
    return ops.pad(x, [*around, [offset_height, below], [offset_width, right], [0, 0]])


@adapter("image.central_crop")
def _central_crop(image: Any, central_fraction: float) -> Any:
    x = as_tensor(image)
    high, wide = sizes_of(x)
    top = int((high - high * central_fraction) / 2)
    left = int((wide - wide * central_fraction) / 2)
    return x[..., top : high - top, left : wide - left, :]


@adapter("image.resize_with_crop_or_pad image.resize_image_with_crop_or_pad")
def _resize_with_crop_or_pad(image: Any, target_height: Any, target_width: Any) -> Any:
    x = as_tensor(image)
    high, wide = sizes_of(x)
    top, left = max((high - target_height) // 2, 0), max((wide - target_width) // 2, 0)
    x = _crop(x, top, left, min(target_height, high), min(target_width, wide))
    top, left = max((target_height - high) // 2, 0), max((target_width - wide) // 2, 0)
    return _pad(x, top, left, target_height, target_width)


@adapter("image.convert_image_dtype")
def _convert_image_dtype(image: Any, dtype: Any, saturate: bool = False) -> Any:
    x, new = as_tensor(image), dtype_word(dtype)
    old = ops.dtype(x)
    if old == new:
        return x
    if is_floating(old) and is_floating(new):
        return ops.cast(x, new)
    if is_floating(new):
        return ops.cast(x, new) * (1.0 / np.iinfo(old).max)
    raise NotImplementedError(f"convert_image_dtype from {old} to {new}")


@adapter("image.total_variation")
def _total_variation(images: Any) -> Any:
    x = as_tensor(images)
    axes = (-3, -2, -1)
    down = ops.sum(ops.abs(x[..., 1:, :, :] - x[..., :-1, :, :]), axes)
    return down + ops.sum(ops.abs(x[..., :, 1:, :] - x[..., :, :-1, :]), axes)


@adapter("image.extract_patches")
def _extract_patches(images: Any, sizes: Any, strides: Any, rates: Any, padding: str) -> Any:
    (_, high, wide, _), step, rate = integers(sizes), integers(strides), integers(rates)
    if rate != [1, 1, 1, 1]:
        raise NotImplementedError("extract_patches with rates")
    x = as_tensor(images)
    channels = int(x.shape[-1])
    # One filter a pixel of the patch and a channel: it takes that pixel and nothing else.
    count = high * wide * channels
    kernel = np.eye(count, dtype="float32").reshape(high, wide, channels, count)
    return ops.conv(
        x, ops.convert_to_tensor(kernel), tuple(step[1:3]), padding.lower(), "channels_last"
    )


def _floats(images: Any) -> Any:
    x = as_tensor(images) if is_tensor(images) else ops.convert_to_tensor(host(images))
    if not is_floating(ops.dtype(x)):
        raise NotImplementedError(f"colours of {ops.dtype(x)}, which TensorFlow scales and rounds")
    return x


def _row(images: Any, numbers: Any) -> Any:
    return ops.convert_to_tensor(np.asarray(numbers), dtype=ops.dtype(images))


@adapter("image.rgb_to_hsv")
def _rgb_to_hsv(images: Any) -> Any:
    return ops.image.rgb_to_hsv(as_tensor(images), data_format="channels_last")


@adapter("image.hsv_to_rgb")
def _hsv_to_rgb(images: Any) -> Any:
    return ops.image.hsv_to_rgb(as_tensor(images), data_format="channels_last")
