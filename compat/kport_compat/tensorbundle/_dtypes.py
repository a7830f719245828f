"""TensorFlow's numbers for dtypes (``tensorflow/core/framework/types.proto``, TensorFlow 2.15)."""

from __future__ import annotations

__all__ = ["STRING", "type_name"]

STRING = "string"

_NAMES = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    7: STRING,
    8: "complex64",
    9: "int64",
    10: "bool",
    14: "bfloat16",
    17: "uint16",
    18: "complex128",
    19: "float16",
    22: "uint32",
    23: "uint64",
    24: "float8_e5m2",
    25: "float8_e4m3fn",
    29: "int4",
    30: "uint4",
}


def type_name(number: int) -> str | None:
    """Return the name of a dtype, `STRING` among them; None for quantized, resource and variant.

    Example:
        >>> type_name(14)
        'bfloat16'
    """
    return _NAMES.get(number)
