"""Private calls that let initializers wait; see _keras.py."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import keras
from keras.src import backend

from kport.checkpoint import DTYPES
from kport.errors import UnsafeFileError
from kport.model.backends import ZEROS_ARE_SHARED, blank, zeros

__all__ = ["Pending", "without_initializers"]


_HALF = ("bfloat16", "float16")


class Pending:
    """Initializers that have not run, by variable.

    Arguments:
        most: How many values all of the variables may have, None for any number.
    """

    def __init__(self, most: int | None = None) -> None:
        self._waiting: dict[int, tuple[keras.Variable, Any]] = {}
        self._most, self._values = most, 0

    def add(self, variable: keras.Variable, initializer: Any) -> None:
        """Remember the initializer of a variable, which has no memory yet.

        Raises:
            UnsafeFileError: With this one there are too many values.
        """
        self._values += math.prod(variable.shape)
        if self._most is not None and self._values > self._most:
            raise UnsafeFileError(
                f"its config asks for {variable.path!r} of the shape {tuple(variable.shape)}, and "
                f"for {self._values:,} values up to there; what the file holds is far less",
                remedy="If you trust it, build the model from its code and use "
                "kport.load_weights(model, path).",
            )
        self._waiting[id(variable)] = (variable, initializer)

    def forget(self, variables: Iterable[int]) -> None:
        """Leave variables, by their ids, as they are."""
        for key in variables:
            self._waiting.pop(key, None)

    def run_except(self, assigned: Iterable[keras.Variable]) -> None:
        """Run the initializers of all variables but those that have their value already."""
        for variable in assigned:
            self._waiting.pop(id(variable), None)
        for variable, initializer in self._waiting.values():
            # Some cannot compute in half precision: no backend decomposes such matrices.
            dtype = "float32" if variable.dtype in _HALF else variable.dtype
            variable.assign(initializer(tuple(variable.shape), dtype=dtype))
        self._waiting.clear()


@contextlib.contextmanager
def without_initializers(most: int | None = None) -> Iterator[Pending]:
    """Make new variables hold zeros, and give their initializers back to be run where needed.

    Reason: every variable of a loaded model is about to get its value from the file; drawing
    random numbers for it first costs more than reading it. Keras has no public switch. To be used
    by one thread at a time, see `alone`; what other threads make meanwhile is made as ever.

    Arguments:
        most: See `Pending`.
    """
    pending = Pending(most)
    original = backend.Variable._initialize_with_initializer
    thread, made = threading.get_ident(), _Zeros()

    def initialize(self: Any, initializer: Any) -> None:
        if threading.get_ident() != thread:  # a model that another thread is making
            original(self, initializer)
            return
        pending.add(self, initializer)
        if not _blank_in_layout(self):
            original(self, made.of)

    backend.Variable._initialize_with_initializer = initialize
    try:
        yield pending
    finally:
        backend.Variable._initialize_with_initializer = original


def _blank_in_layout(variable: Any) -> bool:
    """Let a variable that a distribution spreads over devices hold zeros there; say if one does.

    Reason: Keras first makes such zeros whole on one device, or compiles a program for each shape.
    """
    if not hasattr(variable, "_initialize_layout"):
        return False
    variable._initialize_layout()
    layout = getattr(variable._layout, "backend_layout", variable._layout)
    if layout is None or variable._dtype not in DTYPES:
        return False
    variable._direct_assign(blank(tuple(variable._shape), variable._dtype, layout))
    return True


class _Zeros:
    """Zeros for variables; those of one shape get the same, where none is written into them."""

    def __init__(self) -> None:
        self._known: dict[tuple[tuple[int, ...], str], Any] = {}

    def of(self, shape: Any, dtype: Any = None) -> Any:
        if dtype not in DTYPES:
            return keras.ops.zeros(shape, dtype=dtype)
        key = (tuple(shape), dtype)
        if not ZEROS_ARE_SHARED:
            return zeros(*key)
        if key not in self._known:
            self._known[key] = zeros(*key)
        return self._known[key]
