"""What sort of object something is, whatever it holds."""

from __future__ import annotations

import sys
from functools import partial
from types import BuiltinFunctionType, FunctionType, SimpleNamespace
from typing import Any

__all__ = ["FOREIGN", "has_a_state", "is_function", "is_of_users_class", "is_users"]

FOREIGN = frozenset({"builtins", "keras", "tensorflow", "jax", "jaxlib", "torch", "numpy"})
"""Objects of these packages are no user's, and may lead anywhere."""


def is_users(thing: Any) -> bool:
    """Whether a thing is an object of a user's class, which may hold layers."""
    return is_of_users_class(thing) and hasattr(thing, "__dict__")


def is_of_users_class(thing: Any) -> bool:
    """Whether a user wrote the class of a thing, whatever its objects hold."""
    if type(thing) is SimpleNamespace:  # of the standard library, and made to hold what users like
        return True
    root = type(thing).__module__.split(".")[0]
    known = root in FOREIGN or (root in sys.stdlib_module_names and root != "__main__")
    return not known and not isinstance(thing, type)


def is_function(thing: Any) -> bool:
    """Whether a thing is a function that can be told by what it computes."""
    return isinstance(thing, (FunctionType, BuiltinFunctionType, partial))


def has_a_state(thing: Any) -> bool:
    """Whether a file keeps the state of a thing in a place of its own."""
    import keras

    kinds = keras.Layer, keras.Variable, keras.Metric, keras.Optimizer, keras.random.SeedGenerator
    return isinstance(thing, kinds) or type(thing).__module__.startswith("kport.")
