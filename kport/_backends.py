"""Which Keras backends are installed, without importing one."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

__all__ = ["BACKENDS", "choose_backend", "installed_backends"]

BACKENDS = ("tensorflow", "jax", "torch")


def installed_backends() -> tuple[str, ...]:
    """Return the backends that could be imported here, in a fixed order.

    Example:
        >>> set(installed_backends()) <= {"tensorflow", "jax", "torch"}
        True
    """
    return tuple(name for name in BACKENDS if find_spec(name) is not None)


def choose_backend() -> None:
    """Set ``KERAS_BACKEND`` to an installed backend where the user has not chosen one.

    Keras's own default is TensorFlow, also where it is not installed. A choice is: the variable,
    the file ``keras.json``, or Keras being imported already. Of those installed, the one that
    starts fastest is taken.
    """
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    if "KERAS_BACKEND" in os.environ or "keras" in sys.modules or (home / "keras.json").exists():
        return
    installed = installed_backends()
    for name in ("jax", "torch", "tensorflow"):
        if name in installed:
            os.environ["KERAS_BACKEND"] = name
            return
