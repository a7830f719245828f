"""What newer versions of Keras write into configs, for older ones that read them.

Keras adds arguments to its classes, writes them into every config, and an older Keras refuses an
argument that it does not know, though it computes the same without.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

__all__ = ["NEWER", "without_newer"]

JSON = dict[str, Any]
_Row = Mapping[str, tuple[Any, str]]

_QUANTIZED: _Row = {"quantization_config": (None, "3.13")}
_ATTENTION: _Row = {"sliding_window": (None, "3.15"), "use_gate": (False, "3.14")}

NEWER: Mapping[str, _Row] = {
    "BatchNormalization": {
        "renorm": (False, "3.14"),
        "renorm_clipping": (None, "3.14"),
        "renorm_momentum": (0.99, "3.14"),
    },
    "Dense": _QUANTIZED,
    "EinsumDense": _QUANTIZED,
    "Embedding": _QUANTIZED,
    "GPTQConfig": {"quantization_layer_structure": (None, "3.13")},
    "GroupedQueryAttention": _ATTENTION,
    "IntegerLookup": {"oov_method": ("floormod", "3.14"), "salt": (None, "3.14")},
    "JaxLayer": {"native_serialization_platforms": (None, "3.14")},
    "MultiHeadAttention": _ATTENTION,
    "SparseCategoricalCrossentropy": {"ignore_class": (None, "3.14")},
    "StringLookup": {"salt": (None, "3.14")},
    "VarianceScaling": {"input_axes": (None, "3.15"), "output_axes": (None, "3.15")},
}
"""Class -> argument -> with what value it computes as it did without, and the Keras that has it.

Of the constructors of Keras 3.12.0, 3.13.2, 3.14.0 and 3.15.1.
"""


def without_newer(cls: Any, config: JSON) -> tuple[JSON, list[str]]:
    """Return a config without what the Keras here does not know and does not need.

    Arguments:
        cls: The class that is made of it, Keras's or derived from that.
        config: Its config.

    Returns:
        The config, and what is said of each argument that it cannot do without.
    """
    unknown = {name: row for name, row in _unknown(cls).items() if name in config}
    rest = {name: one for name, one in config.items() if name not in unknown}
    return rest, [
        f"{name}={config[name]!r} is an argument of Keras {since}"
        for name, (value, since) in unknown.items()
        if config[name] != value
    ]


def _unknown(cls: Any) -> _Row:
    names = [one.__name__ for one in _of_keras(cls)]
    newer = {name: row for one in names for name, row in NEWER.get(one, {}).items()}
    return {name: row for name, row in newer.items() if name not in _arguments(cls)}


@cache
def _arguments(cls: Any) -> frozenset[str]:
    bases = _of_keras(cls)
    return frozenset(name for one in bases for name in inspect.signature(one.__init__).parameters)


def _of_keras(cls: Any) -> list[Any]:
    return [one for one in getattr(cls, "__mro__", ()) if one.__module__.startswith("keras.")]
