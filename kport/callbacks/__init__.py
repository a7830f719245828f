"""Callbacks for `keras.Model.fit`; Keras itself is imported when the first one is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kport.callbacks._bundle_checkpoint import BundleCheckpoint

__all__ = ["BundleCheckpoint"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'kport.callbacks' has no attribute {name!r}")
    return getattr(import_module("kport.callbacks._bundle_checkpoint"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
