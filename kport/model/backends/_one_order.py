"""The verbs of memory order where there is no choice: a value lies as the compiler wants it."""

from __future__ import annotations

import keras

__all__ = ["lay_out", "order_of"]


def order_of(value: object) -> tuple[int, ...] | None:
    """Return None: nothing is known of the order."""
    return None


def lay_out(variable: keras.Variable, order: tuple[int, ...] | None) -> None:
    """Leave the variable as it is."""
