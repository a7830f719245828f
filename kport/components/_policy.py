"""The global dtype policy, for what code makes without a word about its dtype."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

__all__ = ["build_under", "under"]


@contextlib.contextmanager
def under(policy: Any) -> Iterator[None]:
    """Let a policy be the global one, if it is any."""
    import keras

    before = keras.config.dtype_policy()
    if policy is not None:
        keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def build_under(thing: Any, policy: Any) -> None:
    """Let the `build` of a layer make parts under a policy, whenever it runs."""
    original = getattr(thing, "build", None)
    if policy is None or original is None:
        return

    @functools.wraps(original)
    def build(*args: Any, **kwargs: Any) -> Any:
        with under(policy):
            return original(*args, **kwargs)

    vars(thing)["build"] = build  # where Keras itself puts its own around that of the class
