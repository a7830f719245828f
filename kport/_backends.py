"""Which Keras backends are installed, without importing one."""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path

__all__ = ["BACKENDS", "child_environment", "choose_backend", "installed_backends"]

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
    Keras being imported already, or a backend in ``keras.json`` that is installed (Keras writes
    that file itself, with its default). Otherwise the installed one that starts fastest is taken.
    """
    installed = installed_backends()
    if "KERAS_BACKEND" in os.environ or "keras" in sys.modules or _configured() in installed:
        return
    for name in ("jax", "torch", "tensorflow"):
        if name in installed:
            os.environ["KERAS_BACKEND"] = name
            return


def child_environment(backend: str = "") -> dict[str, str]:
    """Return the environment of a process that runs kport with the modules of this one.

    Arguments:
        backend: The backend it is to have; else it chooses as this process would.
    """
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}
    # The parent's sys.path may name kport's source; a user's module lies where they stand.
    places = [place for place in sys.path if place] + [os.getcwd()]
    chosen = {"KERAS_BACKEND": backend} if backend else {}
    return {**os.environ, **chosen, "PYTHONPATH": os.pathsep.join(places), **quiet}


def _configured() -> str | None:
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    try:
        settings = json.loads((home / "keras.json").read_bytes())
    except (OSError, ValueError):
        return None
    backend = settings.get("backend") if isinstance(settings, dict) else None
    return backend if isinstance(backend, str) else None
