"""The functions of ``keras.backend`` in terms of TensorFlow's, one entry a function.

Source: ``keras/backend.py`` of Keras 2.12. ``x>input_tensor`` says that the argument x has another
name in TensorFlow; ``axis=-1`` that Keras has a default there. An argument that is not listed is
one for which the two differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["BACKEND", "OPERATORS", "Function"]

OPERATORS = {
    "+": "math.add",
    "-": "math.subtract",
    "*": "math.multiply",
    "/": "math.truediv",
    "//": "math.floordiv",
    "%": "math.floormod",
    "**": "math.pow",
    "@": "linalg.matmul",
}
"""Operator -> the function of TensorFlow that computes it."""


@dataclass(frozen=True, slots=True)
class Function:
    """What a function of ``keras.backend`` calls.

    Arguments:
        symbol: The function of TensorFlow.
        names: Argument -> its name there, in order.
        defaults: Values that Keras gives where the caller gives none.
    """

    symbol: str
    names: dict[str, str]
    defaults: dict[str, Any]


_REDUCE = "x>input_tensor axis keepdims"
_TABLE = {
    "abs": ("math.abs", "x"),
    "all": ("math.reduce_all", _REDUCE),
    "any": ("math.reduce_any", _REDUCE),
    "argmax": ("math.argmax", "x>input axis=-1"),
    "argmin": ("math.argmin", "x>input axis=-1"),
    "cast": ("cast", "x dtype"),
    "clip": ("clip_by_value", "x>t min_value>clip_value_min max_value>clip_value_max"),
    "concatenate": ("concat", "tensors>values axis=-1"),
    "cos": ("math.cos", "x"),
    "elu": ("nn.elu", "x>features"),
    "equal": ("math.equal", "x y"),
    "exp": ("math.exp", "x"),
    "expand_dims": ("expand_dims", "x>input axis=-1"),
    "gather": ("gather", "reference>params indices"),
    "greater": ("math.greater", "x y"),
    "greater_equal": ("math.greater_equal", "x y"),
    "l2_normalize": ("linalg.l2_normalize", "x axis"),
    "less": ("math.less", "x y"),
    "less_equal": ("math.less_equal", "x y"),
    "log": ("math.log", "x"),
    "max": ("math.reduce_max", _REDUCE),
    "maximum": ("math.maximum", "x y"),
    "mean": ("math.reduce_mean", _REDUCE),
    "min": ("math.reduce_min", _REDUCE),
    "minimum": ("math.minimum", "x y"),
    "not_equal": ("math.not_equal", "x y"),
    "ones_like": ("ones_like", "x>input"),
    "permute_dimensions": ("transpose", "x>a pattern>perm"),
    "pow": ("math.pow", "x a>y"),
    "prod": ("math.reduce_prod", _REDUCE),
    "relu": ("nn.relu", "x>features"),
    "reshape": ("reshape", "x>tensor shape"),
    "round": ("math.round", "x"),
    "sigmoid": ("math.sigmoid", "x"),
    "sign": ("math.sign", "x"),
    "sin": ("math.sin", "x"),
    "softmax": ("nn.softmax", "x>logits axis=-1"),
    "softplus": ("math.softplus", "x>features"),
    "softsign": ("nn.softsign", "x>features"),
    "sqrt": ("math.sqrt", "x"),  # of what is above zero, see _terms
    "square": ("math.square", "x"),
    "squeeze": ("squeeze", "x>input axis"),
    "stack": ("stack", "x>values axis=0"),
    "std": ("math.reduce_std", _REDUCE),
    "sum": ("math.reduce_sum", _REDUCE),
    "tanh": ("math.tanh", "x"),
    "var": ("math.reduce_variance", _REDUCE),
    "zeros_like": ("zeros_like", "x>input"),
}


def _function(symbol: str, words: str) -> Function:
    names, defaults = {}, {}
    for word in words.split():
        said, _, default = word.partition("=")
        ours, _, theirs = said.partition(">")
        names[ours] = theirs or ours
        if default:
            defaults[ours] = int(default)
    return Function(symbol, names, defaults)


BACKEND = {name: _function(*one) for name, one in _TABLE.items()}
"""Function of ``keras.backend`` -> what it calls."""
