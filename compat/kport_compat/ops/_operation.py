"""The operation that stands for one TensorFlow function in a graph; importing it imports Keras.

Graphs compute with shapes: ``tf.reshape(x, [tf.shape(x)[0], 3, 8])``. A symbolic tensor has no
values, so what is known of them is kept beside it (`_known`), and a size that is not known is None.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, tree

from kport_compat.ops._adapter import ADAPTERS
from kport_compat.ops._slice import as_index

__all__ = ["TFOp"]

_KNOWN = "_kport_known"
_TAKES_SHAPE = {"reshape": "tensor", "broadcast_to": "input"}


class _Traced(keras.Operation):  # type: ignore[misc]  # Keras has no types
    """A function as an operation: `keras.Operation` is the public way to a symbolic result."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.call = function


@keras.saving.register_keras_serializable("kport")
class TFOp(keras.Operation):  # type: ignore[misc]  # Keras has no types
    """One call of a TensorFlow function, computed by `keras.ops`.

    Arguments:
        op: A symbol of `kport_compat.ops.ADAPTERS`.
    """

    def __init__(self, op: str, name: str | None = None) -> None:
        super().__init__(name=name)
        if op not in ADAPTERS:
            raise ValueError(f"TFOp {name!r}: no adapter for the TensorFlow function {op!r}")
        self.op = op

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the TensorFlow function gives; its ``name`` argument names nothing here."""
        kwargs.pop("name", None)
        return ADAPTERS[self.op](*args, **kwargs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return the symbolic result, with the values that are known of it."""
        kwargs.pop("name", None)
        if self.op == "shape":
            first = args[0] if args else kwargs["input"]
            return _vector(list(first.shape))
        if self.op == "__operators__.getitem":
            return self._item(*args, **kwargs)
        args, kwargs = tree.map_structure(_value, (args, kwargs))
        if self.op in _TAKES_SHAPE:
            spec = _reshaped(self.op, *args, **kwargs)
            if spec is not None:
                return spec
        if any(isinstance(one, KerasTensor) for one in tree.flatten((args, kwargs))):
            return self._traced(args, kwargs)
        return _constant(self.call(*args, **kwargs))

    def _traced(self, args: Any, kwargs: Any) -> Any:
        """Let the backend find shape and dtype, with numbers kept out of its tracing."""
        flat = tree.flatten((args, kwargs))
        places = [place for place, one in enumerate(flat) if isinstance(one, KerasTensor)]

        def call(*tensors: Any) -> Any:
            filled = list(flat)
            for place, tensor in zip(places, tensors, strict=True):
                filled[place] = tensor
            again, named = tree.pack_sequence_as((args, kwargs), filled)
            return self.call(*again, **named)

        return _Traced(call).compute_output_spec(*(flat[place] for place in places))

    def _item(self, tensor: Any, slice_spec: Any) -> Any:
        known = getattr(tensor, _KNOWN, None)
        spec = tree.map_structure(_value, slice_spec)
        unknown = [one for one in tree.flatten(spec) if isinstance(one, KerasTensor)]
        if known is not None and not unknown:
            found = np.array(known, dtype=object)[as_index(spec)]
            return _scalar(found) if np.ndim(found) == 0 else _vector(list(found))
        if not unknown:
            return self._traced((tensor,), {"slice_spec": spec})
        return self._item_of_unknown(tensor, spec)

    def _item_of_unknown(self, tensor: Any, spec: Any) -> Any:
        """Slice by sizes that are not known: the axes that are sliced so have no size either."""
        parts = spec if isinstance(spec, list | tuple) else [spec]
        loose = [any(isinstance(one, KerasTensor) for one in tree.flatten(part)) for part in parts]
        if any(part == {"class_name": "__ellipsis__"} for part in parts):
            raise NotImplementedError(f"{self.name}: '...' beside an index that is computed")
        whole = {"start": None, "stop": None, "step": None}
        plain = [
            (whole if isinstance(part, dict) else 0) if free else part
            for part, free in zip(parts, loose, strict=True)
        ]
        found = self._traced((tensor,), {"slice_spec": plain})
        shape, axis = list(found.shape), 0
        for part, free in zip(plain, loose, strict=True):
            if isinstance(part, dict) and free:
                shape[axis] = None
            axis += isinstance(part, dict) or part is None
        return KerasTensor(shape, found.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"op": self.op, "name": self.name}


def _value(one: Any) -> Any:
    """Return the values of a symbolic tensor where all are known, else what was given."""
    known = getattr(one, _KNOWN, None)
    if known is None or any(size is None for size in np.ravel(np.array(known, dtype=object))):
        return one
    return np.array(known, dtype=one.dtype)


def _scalar(size: int | None) -> KerasTensor:
    return _with_known(KerasTensor((), "int32"), size)


def _vector(sizes: list[int | None]) -> KerasTensor:
    return _with_known(KerasTensor((len(sizes),), "int32"), sizes)


def _constant(found: Any) -> Any:
    values = np.asarray(found)
    return _with_known(KerasTensor(values.shape, values.dtype.name), values.tolist())


def _with_known(tensor: KerasTensor, known: Any) -> KerasTensor:
    setattr(tensor, _KNOWN, known)
    return tensor


def _reshaped(op: str, *args: Any, **kwargs: Any) -> KerasTensor | None:
    """Return the result of a reshape to sizes that are not all known, None when they are."""
    given = dict(zip((_TAKES_SHAPE[op], "shape"), args, strict=False)) | kwargs
    shape, tensor = given["shape"], given[_TAKES_SHAPE[op]]
    if isinstance(shape, KerasTensor):
        parts = getattr(shape, _KNOWN, None) or [None] * int(shape.shape[0] or 0)
    else:
        parts = list(np.ravel(shape)) if isinstance(shape, np.ndarray) else [*shape]
    sizes = [getattr(one, _KNOWN, None) if isinstance(one, KerasTensor) else one for one in parts]
    if all(size is not None for size in sizes):
        return None
    return KerasTensor([None if one in (None, -1) else int(one) for one in sizes], tensor.dtype)
