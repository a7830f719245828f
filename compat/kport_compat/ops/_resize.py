"""Resizing as TensorFlow does it, as a product with one matrix an axis.

Backends disagree about every method but bilinear, so the weights are computed here, on the host,
from the sizes alone. Sources (TensorFlow 2.15, ``tensorflow/core/kernels/image/``):
``resize_bilinear_op.cc``, ``resize_bicubic_op.cc``, ``resize_area_op.cc``,
``resize_nearest_neighbor_op.cc``, ``scale_and_translate_op.cc`` and ``sampling_kernels.h``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kport_compat.ops._adapter import as_tensor, integers, is_floating, ops

__all__ = ["METHODS", "resize", "sizes_of", "weights"]

_Kernel = Callable[[Any], Any]


def _triangle(x: Any) -> Any:
    return np.maximum(0.0, 1.0 - x)


def _keys_cubic(x: Any) -> Any:
    near = ((1.5 * x - 2.5) * x) * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x >= 2.0, 0.0, np.where(x >= 1.0, far, near))


def _mitchell(x: Any) -> Any:
    near = ((7.0 / 6.0) * x - 2.0) * x * x + 8.0 / 9.0
    far = ((-7.0 / 18.0 * x + 2.0) * x - 10.0 / 3.0) * x + 16.0 / 9.0
    return np.where(x >= 2.0, 0.0, np.where(x >= 1.0, far, near))


def _gaussian(x: Any) -> Any:
    return np.where(x >= 1.5, 0.0, np.exp(-x * x / (2.0 * 0.5 * 0.5)))


def _lanczos(radius: float) -> _Kernel:
    def kernel(x: Any) -> Any:
        found = np.sinc(x) * np.sinc(x / radius)
        return np.where(x > radius, 0.0, np.where(x <= 1e-3, 1.0, found))

    return kernel


_KERNELS: dict[str, tuple[float, _Kernel]] = {
    "bilinear": (1.0, _triangle),
    "bicubic": (2.0, _keys_cubic),
    "lanczos3": (3.0, _lanczos(3.0)),
    "lanczos5": (5.0, _lanczos(5.0)),
    "gaussian": (1.5, _gaussian),
    "mitchellcubic": (2.0, _mitchell),
}
"""Method -> radius and kernel of ``scale_and_translate_op.cc``."""

METHODS = frozenset({*_KERNELS, "nearest", "area"})
"""What ``tf.image.resize`` and the layers of Keras 2 take."""


def resize(
    images: Any, size: Any, method: str, antialias: bool = False, centers: str = "half"
) -> Any:
    """Return images of another height and width, as ``tf.image.resize`` gives them.

    Arguments:
        images: Channels last, with a batch axis or without.
        size: Height and width, known.
        method: One of `METHODS`.
        antialias: Whether the kernel grows with the scale when the image shrinks.
        centers: Where pixels lie: ``half`` as in TensorFlow 2, ``corner`` (``align_corners``) or
            ``legacy`` as in TensorFlow 1.

    Raises:
        NotImplementedError: The size of the images or the new one is not known.
    """
    x = as_tensor(images)
    old, new = sizes_of(x), tuple(integers(size))
    if None in old or not all(isinstance(one, int) for one in new):
        raise NotImplementedError("resizing to or from a size that is computed by the graph")
    if old == new:
        return x if method == "nearest" or is_floating(ops.dtype(x)) else ops.cast(x, "float32")
    rows, columns = (
        weights(a, b, method, antialias, centers) for a, b in zip(old, new, strict=True)
    )
    if method == "nearest":
        x = ops.take(x, rows.argmax(1), axis=-3)
        return ops.take(x, columns.argmax(1), axis=-2)
    x = ops.cast(x, "float32")
    x = ops.moveaxis(ops.tensordot(x, ops.convert_to_tensor(columns), axes=[[-2], [1]]), -1, -2)
    return ops.moveaxis(ops.tensordot(x, ops.convert_to_tensor(rows), axes=[[-3], [1]]), -1, -3)


def sizes_of(images: Any) -> tuple[Any, Any]:
    """Return height and width of images with channels last; None where one is not known."""
    height, width = images.shape[-3], images.shape[-2]
    return tuple(one if isinstance(one, int) else None for one in (height, width))  # type: ignore[return-value]  # two of them


def weights(old: int, new: int, method: str, antialias: bool, centers: str) -> Any:
    """Return float32[new, old]: how much of each old pixel a new one is made of."""
    if method not in METHODS:
        raise NotImplementedError(f"resizing by {method!r}")
    if method == "area":
        return _area(old, new)
    if method == "nearest":
        return _nearest(old, new, centers)
    if antialias or method not in ("bilinear", "bicubic"):
        return _scaled(old, new, method, antialias)
    found = _bilinear if method == "bilinear" else _bicubic
    return found(old, new, centers)


def _places(old: int, new: int, centers: str) -> Any:
    """Return float32[new]: where the new pixels lie among the old ones."""
    place = np.arange(new, dtype="float32")
    scale = np.float32(old) / np.float32(new)
    if centers == "corner" and new > 1:
        scale = np.float32(old - 1) / np.float32(new - 1)
    if centers == "half":
        return (place + np.float32(0.5)) * scale - np.float32(0.5)
    return place * scale


def _spread(old: int, indices: Any, parts: Any) -> Any:
    found = np.zeros((len(indices), old), "float32")
    for column in range(indices.shape[1]):
        np.add.at(found, (np.arange(len(indices)), indices[:, column]), parts[:, column])
    return found


def _nearest(old: int, new: int, centers: str) -> Any:
    places = _places(old, new, centers)
    index = {
        "half": np.floor(places + np.float32(0.5)),
        "corner": np.floor(places + np.float32(0.5)),
        "legacy": np.floor(places),
    }[centers]
    index = np.clip(index, 0, old - 1).astype("int64")
    return _spread(old, index[:, None], np.ones((new, 1), "float32"))


def _bilinear(old: int, new: int, centers: str) -> Any:
    places = _places(old, new, centers)
    low = np.floor(places)
    part = places - low
    indices = np.clip(np.stack([low, low + 1], 1), 0, old - 1).astype("int64")
    return _spread(old, indices, np.stack([1 - part, part], 1))


def _bicubic(old: int, new: int, centers: str) -> Any:
    places = _places(old, new, centers)
    low = np.floor(places)
    step = np.rint((places - low) * 1024) / 1024  # TensorFlow looks its weights up in a table
    sharp = -0.5 if centers == "half" else -0.75
    parts = np.stack(
        [
            _cubic(1 + step, sharp),
            _cubic(step, sharp),
            _cubic(1 - step, sharp),
            _cubic(2 - step, sharp),
        ],
        1,
    )
    indices = low[:, None] + np.arange(-1, 3)
    if centers == "half":  # what lies outside of the image does not count
        parts = np.where((indices < 0) | (indices >= old), 0, parts)
        parts = parts / parts.sum(1, keepdims=True)
    return _spread(old, np.clip(indices, 0, old - 1).astype("int64"), parts)


def _cubic(x: Any, a: float) -> Any:
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, far)


def _area(old: int, new: int) -> Any:
    scale = old / new
    start = np.arange(new)[:, None] * scale
    pixel = np.arange(old)[None, :]
    overlap = np.minimum(start + scale, pixel + 1) - np.maximum(start, pixel)
    return (np.maximum(overlap, 0) / scale).astype("float32")


def _scaled(old: int, new: int, method: str, antialias: bool) -> Any:
    radius, kernel = _KERNELS[method]
    scale = old / new
    width = max(scale, 1.0) if antialias else 1.0
    places = (np.arange(new)[:, None] + 0.5) * scale
    pixel = np.arange(old)[None, :]
    first = np.ceil(places - radius * width - 0.5)
    last = np.floor(places + radius * width - 0.5)
    found = kernel(np.abs(pixel + 0.5 - places) / width)
    found = np.where((pixel < first) | (pixel > last), 0.0, found)
    return (found / found.sum(1, keepdims=True)).astype("float32")
