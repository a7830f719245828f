"""Layers whose masks Keras 3 computes otherwise; importing this module imports Keras.

Keras 2 lets a step through that every mask lets through, Keras 3 one that any does
(``keras/layers/merging/base_merge.py`` and ``concatenate.py`` of 2.15 and ``keras/src/layers/
merging/`` of 3.15), and where only some inputs are masked, Keras 3 makes a maximum, minimum or
product of the others; some layers of Keras 2 end a mask that those of Keras 3 hand on.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

__all__ = ["MERGES", "UNMASKED", "EveryMask", "JoinedMask"]


@keras.saving.register_keras_serializable("kport")
class EveryMask(keras.Operation):  # type: ignore[misc]  # Keras has no types
    """The product of masks, as one operation with a name that no layer has."""

    def call(self, masks: Any) -> Any:
        """Return where all of them are true."""
        found = masks[0]
        for one in masks[1:]:
            found = ops.logical_and(found, one)
        return found

    def compute_output_spec(self, masks: Any) -> Any:
        """Return the shape of the first."""
        return keras.KerasTensor(masks[0].shape, "bool")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"name": self.name}


@keras.saving.register_keras_serializable("kport")
class JoinedMask(keras.Operation):  # type: ignore[misc]  # Keras has no types
    """The masks of tensors that are joined."""

    def __init__(self, axis: int, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = axis

    def call(self, inputs: Any, masks: Any) -> Any:
        """Return where all that is joined may pass."""
        parts = []
        for tensor, mask in zip(inputs, masks, strict=True):
            if mask is None:
                parts.append(ops.ones_like(tensor, dtype="bool"))
            else:
                wide = len(mask.shape) < len(tensor.shape)
                parts.append(ops.expand_dims(mask, -1) if wide else mask)
        return ops.all(ops.concatenate(parts, axis=self.axis), axis=-1)

    def compute_output_spec(self, inputs: Any, masks: Any) -> Any:
        """Return the shape of the joined tensors without its last axis."""
        shape = list(next(mask for mask in masks if mask is not None).shape)
        shape = shape[: len(inputs[0].shape) - 1]
        axis = self.axis % len(inputs[0].shape)
        if axis < len(shape):
            sizes = [one.shape[axis] for one in inputs]
            shape[axis] = None if None in sizes else sum(sizes)
        return keras.KerasTensor(shape, "bool")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"axis": self.axis, "name": self.name}


def _merge(parent: Any) -> Any:
    class Merge(parent):  # type: ignore[misc]  # Keras has no types
        def call(self, inputs: Any) -> Any:
            """Return what all inputs come to, masked or not."""
            heeding = (keras.layers.Maximum, keras.layers.Minimum, keras.layers.Multiply)
            # A mask hangs on its tensor, and a copy has none.
            return super().call([*map(ops.copy, inputs)] if isinstance(self, heeding) else inputs)

        def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
            """Return the mask that Keras 2 gives."""
            masks = [one for one in mask or () if one is not None]
            if not masks:
                return None
            name = f"{self.name}_mask"
            if isinstance(self, keras.layers.Concatenate):
                return JoinedMask(self.axis, name)(inputs, list(mask))
            return EveryMask(name=name)(masks) if len(masks) > 1 else masks[0]

    return _registered(Merge, parent, "lets through what every mask lets through")


def _unmasked(parent: Any) -> Any:
    class Unmasked(parent):  # type: ignore[misc]  # Keras has no types
        def compute_mask(self, inputs: Any, mask: Any = None) -> None:
            """Return no mask."""

        def call(self, inputs: Any) -> Any:
            """Return a tensor of its own, since a mask hangs on the tensor."""
            found = super().call(inputs)
            return ops.copy(found) if found is inputs else found

    return _registered(Unmasked, parent, "ends the mask of its input")


def _registered(cls: Any, parent: Any, what: str) -> Any:
    cls.__name__ = cls.__qualname__ = parent.__name__
    cls.__doc__ = f"A {parent.__name__} that {what}."
    return keras.saving.register_keras_serializable("kport")(cls)


_MERGES = ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract")
MERGES = {name: _merge(getattr(keras.layers, name)) for name in _MERGES}
"""Class name -> the class with the masks of Keras 2."""

_ENDS = ("Identity", "Normalization", "Permute", "Rescaling", "Reshape")
UNMASKED = {name: _unmasked(getattr(keras.layers, name)) for name in _ENDS}
"""Class name -> the class that ends masks."""
