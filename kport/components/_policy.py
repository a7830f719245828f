"""The global dtype policy, for what code makes without a word about its dtype."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

__all__ = ["build_as_constructed", "under"]

_TOLD: ContextVar[Any] = ContextVar("kport_told_policy", default=None)


@contextlib.contextmanager
def under(policy: Any) -> Iterator[None]:
    """Let a policy that a file tells be the global one, if it tells any."""
    import keras

    if policy is None:
        yield
        return
    before, told = keras.config.dtype_policy(), _TOLD.set(policy)
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
        _TOLD.reset(told)


def build_as_constructed(thing: Any) -> None:
    """Let the `build` of what is made out of a file make parts under the same policy, at any time.

    Also that of what the code of a class makes then, which stands in no config.
    """
    policy = _TOLD.get()
    if policy is None or not hasattr(type(thing), "build"):
        return
    original = thing.build

    @functools.wraps(original)
    def build(*args: Any, **kwargs: Any) -> Any:
        with under(policy):
            return original(*args, **kwargs)

    vars(thing)["build"] = build  # where Keras itself puts its own around that of the class
