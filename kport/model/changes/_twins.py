"""What the constructor of a class that is not registered leaves, found by running it once more.

A registered class remembers that itself. Of any other, an object is made of the config, as loading
makes it, and thrown away: names and random numbers go on as if it had never been.
"""

from __future__ import annotations

import contextlib
import json
import random
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from kport.components import plain_values, print_of
from kport.model._attributes import set_by_users
from kport.model._keras import names_kept
from kport.model._keras_initializers import without_initializers
from kport.model._walk import Walk
from kport.model.backends import randomness_kept

__all__ = ["Twins"]

_NOT_TOLD = frozenset({"name", "trainable"})


class Twins:
    """Makes layers once more, those of one class and config a single time.

    Arguments:
        found: The model.
    """

    def __init__(self, found: Walk) -> None:
        self._classes = {type(one).__name__: type(one) for _, one in found.layers()}
        self._known: dict[tuple[type, str], Mapping[str, str] | None] = {}

    def prints(self, layer: keras.Layer, config: Mapping[str, Any]) -> Mapping[str, str] | None:
        """Return the prints of what is plain in a layer as its code makes it, by path.

        None where the code does not make it out of its config alone.

        Arguments:
            layer: The layer.
            config: What its `get_config` gives.
        """
        told = {key: value for key, value in config.items() if key not in _NOT_TOLD}
        key = type(layer), json.dumps(told, sort_keys=True, default=repr)
        if key not in self._known:
            self._known[key] = None
            with self._unseen(), contextlib.suppress(Exception):  # of a user's class, so any
                twin = type(layer).from_config(dict(config))
                values = plain_values(set_by_users(twin))
                self._known[key] = {path: print_of(value) for path, value in values}
        return self._known[key]

    @contextlib.contextmanager
    def _unseen(self) -> Iterator[None]:
        ours, numpys = random.getstate(), np.random.get_state()  # not to draw
        scopes = (
            names_kept(),
            randomness_kept(),
            without_initializers(),
            warnings.catch_warnings(action="ignore"),
            keras.saving.custom_object_scope(self._classes),
        )
        try:
            with contextlib.ExitStack() as stack:
                for scope in scopes:
                    stack.enter_context(scope)
                yield
        finally:
            random.setstate(ours)
            np.random.set_state(numpys)  # as above
