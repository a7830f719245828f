"""The ways in which a SavedModel can become a Checkpoint, the best one first.

There is one so far: rebuild the Keras model out of its config. A second one, for files whose
classes are lost, would run the functions that TensorFlow traced for each layer; it goes into
`STRATEGIES` behind the first and nothing else has to change.
"""

from __future__ import annotations

from typing import Protocol

from kport.checkpoint import Checkpoint
from kport.errors import UnreadableError
from kport_compat.savedmodel._native import NativeRebuild
from kport_compat.savedmodel._saved import Saved

__all__ = ["STRATEGIES", "Strategy", "read_saved"]


class Strategy(Protocol):
    """A way to read a SavedModel."""

    def read(self, saved: Saved) -> Checkpoint:
        """Return the Checkpoint.

        Raises:
            UnreadableError: This way is closed, and why.
        """
        ...


STRATEGIES: tuple[Strategy, ...] = (NativeRebuild(),)


def read_saved(saved: Saved) -> Checkpoint:
    """Return the Checkpoint of the first way that is open.

    Raises:
        UnreadableError: None is; the error is that of the first.
    """
    refusals = []
    for strategy in STRATEGIES:
        try:
            return strategy.read(saved)
        except UnreadableError as refusal:
            refusals.append(refusal)
    raise refusals[0]
