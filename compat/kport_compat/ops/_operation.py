"""The operation that stands for one TensorFlow function in a graph; importing it imports Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops, tree

from kport.errors import LoadError
from kport_compat.ops._adapter import ADAPTERS
from kport_compat.ops._slice import as_index
from kport_compat.ops._spec import SPECS, known, known_of, with_known

__all__ = ["TFOp"]

# These give the tensor itself where it has the dtype already, and with it its mask.
_SAME = frozenset({"cast", "convert_to_tensor", "saturate_cast"})


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
        try:
            found = ADAPTERS[self.op](*args, **kwargs)
            if self.op in _SAME:
                return found
            # A mask hangs on its tensor, and functions of TensorFlow give another one.
            same = any(found is one for one in (*args, *kwargs.values()))
            return ops.copy(found) if same and ops.is_tensor(found) else found
        except NotImplementedError as error:
            raise LoadError(
                f"the layer {self.name!r} calls tf.{self.op}: kport cannot do {error}",
                remedy="Replace this call where the model is made, and save it again.",
            ) from error

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return the symbolic result, with the values that are known of it."""
        kwargs.pop("name", None)
        if self.op == "shape":
            first = args[0] if args else kwargs["input"]
            return _vector(list(first.shape))
        if self.op == "__operators__.getitem":
            return self._item(*args, **kwargs)
        args, kwargs = tree.map_structure(known, (args, kwargs))
        spec = SPECS[self.op](*args, **kwargs) if self.op in SPECS else None
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
        values = known_of(tensor)
        spec = tree.map_structure(known, slice_spec)
        unknown = [one for one in tree.flatten(spec) if isinstance(one, KerasTensor)]
        if values is not None and not unknown:
            found = np.array(values, dtype=object)[as_index(spec)]
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


def _scalar(size: int | None) -> KerasTensor:
    return with_known(KerasTensor((), "int32"), size)


def _vector(sizes: list[int | None]) -> KerasTensor:
    return with_known(KerasTensor((len(sizes),), "int32"), sizes)


def _constant(found: Any) -> Any:
    values = np.asarray(found)
    return with_known(KerasTensor(values.shape, values.dtype.name), values.tolist())
