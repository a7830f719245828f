"""Arrays as JSON: of numbers, of words of one width, of dates, and of plain Python objects."""

from __future__ import annotations

import base64
import math
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from kport.checkpoint import DTYPES, digest, digest_of, dtype_name, numpy_dtype, plain_bytes
from kport.components._things import FOREIGN, has_a_state

__all__ = ["array_print", "decode_array", "encode_array", "holds_plain", "on_host"]

_WORDS_OR_DATES = re.compile(r"[<|]([US]\d{1,9}|[mM]8(\[\d{0,9}\w{1,2}\])?)")
_OBJECTS = "object"

Each = Callable[[Any], Any]


def on_host(value: Any) -> np.ndarray[Any, Any] | None:
    """Return a tensor of the backend as an array, None where it is none, or has no value now."""
    import keras

    foreign = type(value).__module__.partition(".")[0] in FOREIGN
    if not foreign or has_a_state(value) or not keras.ops.is_tensor(value):
        return None
    try:
        return np.asarray(keras.ops.convert_to_numpy(value))  # TensorFlow gives scalars
    except Exception:  # noqa: BLE001  # inside a traced function each backend has errors of its own
        return None


def holds_plain(array: np.ndarray[Any, Any], is_plain: Callable[[Any], bool]) -> bool:
    """Whether a file can hold an array, those of Python objects if each of them is plain."""
    if array.dtype.kind == "O":
        return all(map(is_plain, array.flat))
    return array.dtype.name in DTYPES or _is_told_by_bytes(array.dtype)


def _is_told_by_bytes(dtype: np.dtype[Any]) -> bool:
    return _WORDS_OR_DATES.fullmatch(dtype.newbyteorder("<").str) is not None and dtype.itemsize > 0


def encode_array(array: np.ndarray[Any, Any], each: Each) -> dict[str, Any]:
    """Return an array as JSON without a mark; see `decode_array`.

    Arguments:
        array: One that `holds_plain`.
        each: Makes JSON of a Python object in it.
    """
    shape = list(array.shape)
    if array.dtype.kind == "O":
        return {"dtype": _OBJECTS, "shape": shape, "value": [each(one) for one in array.flat]}
    numbers = array.dtype.name in DTYPES
    name = dtype_name(array.dtype) if numbers else array.dtype.newbyteorder("<").str
    text = base64.b64encode(plain_bytes(array) if numbers else _bytes(array)).decode()
    return {"dtype": name, "shape": shape, "value": text}


def _bytes(array: np.ndarray[Any, Any]) -> bytes:
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()


def decode_array(node: dict[str, Any], each: Each) -> np.ndarray[Any, Any]:
    """Undo `encode_array`: no more memory is taken than the JSON has.

    Raises:
        KeyError: There is no such dtype.
        ValueError: The JSON describes no array.
    """
    if node["dtype"] == _OBJECTS:
        if math.prod(node["shape"]) != len(node["value"]):
            raise ValueError("an array of objects has another shape")
        objects = np.empty(len(node["value"]), object)
        for place, one in enumerate(node["value"]):
            objects[place] = each(one)
        return objects.reshape(node["shape"])
    told = _WORDS_OR_DATES.fullmatch(node["dtype"]) is not None
    # Small integers take a byte, in memory as in files.
    dtype = np.dtype(node["dtype"]) if told else numpy_dtype(node["dtype"])
    content = base64.b64decode(node["value"])
    if dtype.kind == "U" and np.frombuffer(content, "<u4").max(initial=0) > sys.maxunicode:
        raise ValueError("words hold what is no character")
    return np.frombuffer(content, dtype).reshape(node["shape"]).copy()


def array_print(array: np.ndarray[Any, Any], each: Each) -> list[Any]:
    """Return what is another for any other array that a file can hold."""
    if array.dtype.kind == "O":
        return [_OBJECTS, array.shape, [each(one) for one in array.flat]]
    numbers = array.dtype.name in DTYPES
    return [str(array.dtype), array.shape, digest_of(array) if numbers else digest(_bytes(array))]
