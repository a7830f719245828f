"""Keras 2 configs made into Keras 3 configs, as data and without importing Keras."""

from kport_compat.keras2._translate import Translation, translate

__all__ = ["Translation", "translate"]
