"""How lookups whose vocabulary is a file are made while loading; see _keras.py."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

__all__ = ["no_vocabulary_files"]


@contextlib.contextmanager
def no_vocabulary_files() -> Iterator[None]:
    """Let constructors leave out vocabulary files: what stood in them comes with the model.

    Reason: a class's code that makes ``StringLookup(vocabulary=FILE)`` would read whatever that
    file is here and now, if it is here; Keras refuses it while it loads. The method is public, the
    class that has it is not.
    """
    lookup: Any = next(c for c in keras.layers.StringLookup.__mro__ if "set_vocabulary" in vars(c))
    original = lookup.set_vocabulary

    def set_vocabulary(self: Any, vocabulary: Any, idf_weights: Any = None) -> None:
        if not isinstance(vocabulary, str):
            original(self, vocabulary, idf_weights)

    lookup.set_vocabulary = set_vocabulary
    try:
        yield
    finally:
        lookup.set_vocabulary = original
