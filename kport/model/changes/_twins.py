"""What a constructor leaves, found by running it once more.

An object is made of the config, as loading makes it, and thrown away: names, random numbers and
counts on the class go on as if it had never been. That is done once in a process for each class and
config, however often a model is saved. Random numbers are others meanwhile, whatever seed was set:
what a constructor draws is what it does not make again. A class that is registered remembers what
its constructor left; it is run again where numbers are among that, which may have been drawn, and
which are no arguments.
"""

from __future__ import annotations

import contextlib
import json
import random
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import keras
import numpy as np

from kport.checkpoint import digest
from kport.components import has_arrays, leaves, text_of
from kport.model._attributes import PLAIN, set_by_users
from kport.model._keras import draws_apart, names_kept
from kport.model._keras_constructors import named_later
from kport.model._keras_initializers import without_initializers
from kport.model._walk import Walk
from kport.model.backends import generator_state, randomness_apart

__all__ = ["Twins"]

_NOT_TOLD = frozenset({"name", "trainable"})
_ADDRESS = " at 0x"  # in memory, where another object may be next time
_MAY_BE_EQUAL = 1 << 20  # elements: no larger array is by chance what another draw gave
_MOST = 1000  # configs of one class that are remembered
_Made = dict[str, Mapping[str, str] | None]
_KNOWN: WeakKeyDictionary[type, _Made] = WeakKeyDictionary()


class Twins:
    """Makes layers once more, those of one class and config a single time.

    Arguments:
        found: The model.
    """

    def __init__(self, found: Walk) -> None:
        self._classes = {type(one).__name__: type(one) for _, one in found.layers()}

    def prints(
        self, layer: keras.Layer, config: Mapping[str, Any], *, again: bool = False
    ) -> Mapping[str, str] | None:
        """Return the prints of what a layer holds as its code makes it, by path; see `leaves`.

        None where the code does not make it out of its config alone.

        Arguments:
            layer: The layer.
            config: What its `get_config` gives.
            again: Whether to make another one than before, to see if the two are alike.
        """
        told = {key: value for key, value in config.items() if key not in _NOT_TOLD}
        text = json.dumps(told, sort_keys=True, default=repr)
        key = digest(f"{again} {text}".encode())
        known = {} if _ADDRESS in text else _KNOWN.setdefault(type(layer), {})
        if key not in known:
            if len(known) >= _MOST:
                known.clear()
            known[key] = None
            with self.unseen(type(layer)) as drew, contextlib.suppress(Exception):  # a user's
                made = set_by_users(self.another(layer, config))
                most = _MAY_BE_EQUAL if drew() else 0
                known[key] = {
                    path: text_of(one) for path, one in leaves(made) if not has_arrays(one, most)
                }
        return known[key]

    def config(self, layer: keras.Layer, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the config of a layer made of a config; empty where none is made of it."""
        with self.unseen(type(layer)), contextlib.suppress(Exception):  # a user's
            return dict(self.another(layer, config).get_config())
        return {}

    def another(self, layer: keras.Layer, config: Mapping[str, Any]) -> keras.Layer:
        """Return what loading makes of a config; to be called in `unseen`."""
        made: keras.Layer = type(layer).from_config(_as_stored(config))
        return made

    @contextlib.contextmanager
    def unseen(self, cls: type) -> Iterator[Callable[[], bool]]:
        """Let what is done be as if it had never been; what it gives tells whether anybody drew."""
        ours, numpys = random.getstate(), np.random.get_state()  # not to draw
        random.seed()
        np.random.seed()  # what constructors draw of
        before = _generators()
        scopes = (
            names_kept(),
            draws_apart(),
            randomness_apart(),
            _counts_kept(cls),
            without_initializers(),
            warnings.catch_warnings(action="ignore"),
            keras.saving.custom_object_scope(self._classes),
            named_later(),
        )
        try:
            with contextlib.ExitStack() as stack:
                for scope in scopes:
                    stack.enter_context(scope)
                yield lambda: _generators() != before
        finally:
            random.setstate(ours)
            np.random.set_state(numpys)  # as above


def _generators() -> tuple[Any, ...]:
    """Return the states of those that Python has, NumPy and the backend; Keras's starts by one."""
    _, words, *places = np.random.get_state(legacy=True)  # what constructors draw of
    return random.getstate(), np.asarray(words).tobytes(), places, generator_state()


def _as_stored(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config without live objects, which a constructor might change."""
    try:
        json.dumps(config)
    except (TypeError, ValueError):
        stored: dict[str, Any] = keras.saving.serialize_keras_object(dict(config))
        return stored
    return dict(config)


@contextlib.contextmanager
def _counts_kept(cls: type) -> Iterator[None]:
    """Let plain attributes of a user's class, such as a count of its objects, be as before."""
    own = [base for base in cls.__mro__ if not base.__module__.startswith(("keras.", "builtins"))]
    before = [(base, name, one) for base in own for name, one in vars(base).items()]
    before = [(base, name, one) for base, name, one in before if type(one) in PLAIN]
    try:
        yield
    finally:
        for base, name, one in before:
            if vars(base).get(name) is not one and not name.startswith("__"):
                setattr(base, name, one)
