"""TensorFlow's functions in terms of `keras.ops`, for graphs that Keras 2 recorded call by call.

The table imports no Keras; `register` does, and makes the operation that configs name.
"""

from kport_compat.ops import (
    _compare,
    _conv,
    _image,
    _index,
    _keras,
    _linalg,
    _math,
    _nn,
    _reduce,
    _shape,
    _slice,
    _strings,
)
from kport_compat.ops._adapter import ADAPTERS
from kport_compat.ops._conv import average_pool
from kport_compat.ops._raw import RAW, raw_call
from kport_compat.ops._resize import resize, sizes_of

__all__ = [
    "ADAPTERS",
    "RAW",
    "REGISTERED",
    "average_pool",
    "canonical",
    "raw_call",
    "register",
    "resize",
    "sizes_of",
]

# Importing them fills the table.
_FAMILIES = (
    _compare,
    _conv,
    _image,
    _index,
    _keras,
    _linalg,
    _math,
    _nn,
    _reduce,
    _shape,
    _slice,
    _strings,
)

REGISTERED = "kport>TFOp"
"""The registered name of the operation that runs an adapter."""


def canonical(symbol: str) -> str:
    """Return the name that the table has for a symbol of any TensorFlow.

    Example:
        >>> canonical("compat.v1.pad")
        'pad'
    """
    short = symbol.removeprefix("tf.").removeprefix("compat.v1.").removeprefix("compat.v2.")
    return short if short in ADAPTERS else symbol


def register() -> None:
    """Register the operation with Keras; the one function here that imports Keras."""
    from kport_compat.ops import _operation  # noqa: F401  # importing registers
