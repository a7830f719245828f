"""kport: the adapter between a Keras 3 model and the files that hold it.

Importing kport imports neither Keras nor a backend: each name below is looked up in its own room
at its first use (PEP 562). So ``kport inspect`` answers at once, and `KERAS_BACKEND` may still be
chosen after the import.

Example:
    >>> import kport
    >>> kport.inspect("examples/legacy/digits.h5").format
    'h5'
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kport import callbacks as callbacks
    from kport import errors as errors
    from kport import testing as testing
    from kport._api import freeze, load, load_weights, report_of, unfreeze
    from kport._background import PendingSave
    from kport._convert import convert
    from kport._diff import diff
    from kport._inspect import inspect
    from kport._integrity import check
    from kport._save import save
    from kport.checkpoint import LoadReport, Sample
    from kport.components import register
    from kport.errors import KportError
    from kport.migration import migrate
    from kport.parity import verify

__version__ = "0.1.0.dev0"

__all__ = [
    "KportError",
    "LoadReport",
    "PendingSave",
    "Sample",
    "__version__",
    "callbacks",
    "check",
    "convert",
    "diff",
    "errors",
    "freeze",
    "inspect",
    "load",
    "load_weights",
    "migrate",
    "register",
    "report_of",
    "save",
    "testing",
    "unfreeze",
    "verify",
]

_MODULES = ("callbacks", "errors", "testing")

_ROOMS = {
    "KportError": "kport.errors",
    "LoadReport": "kport.checkpoint",
    "PendingSave": "kport._background",
    "Sample": "kport.checkpoint",
    "check": "kport._integrity",
    "convert": "kport._convert",
    "diff": "kport._diff",
    "freeze": "kport._api",
    "inspect": "kport._inspect",
    "load": "kport._api",
    "load_weights": "kport._api",
    "migrate": "kport.migration",
    "register": "kport.components",
    "report_of": "kport._api",
    "save": "kport._save",
    "unfreeze": "kport._api",
    "verify": "kport.parity",
}


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"kport.{name}")
    if name not in _ROOMS:
        raise AttributeError(f"module 'kport' has no attribute {name!r}")
    value = getattr(import_module(_ROOMS[name]), name)
    globals()[name] = value  # the next access finds it without coming here
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
