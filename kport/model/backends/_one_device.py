"""The verbs of a mesh where there is none: all values of a variable lie on one device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras

from kport.checkpoint import Array, Box
from kport.errors import BackendError

__all__ = ["adopt_boxes", "blank", "boxes_of", "own_pieces", "processes", "spread_source"]


def boxes_of(variable: keras.Variable) -> tuple[Box, ...]:
    """Return no parts: the values are not spread over devices."""
    return ()


def spread_source(value: object) -> Callable[[], Array] | None:
    """Return None: `host_view` gives the values."""
    return None


def own_pieces(value: object, turn: int) -> Callable[[], Iterator[tuple[Box, Array]]] | None:
    """Return None: this process has all values."""
    return None


def processes() -> None:
    """Return None: there is one process."""


def adopt_boxes(variable: keras.Variable, buffers: Mapping[Box, Array]) -> None:
    """Refuse; `boxes_of` gave no parts."""
    raise BackendError(_NONE)


def blank(shape: tuple[int, ...], dtype: str, layout: Any) -> Any:
    """Refuse; no variable has a layout."""
    raise BackendError(_NONE)


_NONE = "this backend spreads no variable over devices"
