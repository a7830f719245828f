"""Plain values, which a file holds: numbers, words, flags, None, arrays, and rows of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import partial
from pathlib import PurePath
from typing import Any

import numpy as np

from kport.checkpoint import dtype_name, names_a_class
from kport.components._arrays import array_print, holds_plain, on_host
from kport.components._values import MARK, PLAIN, Leaf, array_node, decode, encode
from kport.errors import Problem

__all__ = [
    "container",
    "decode_plain",
    "encode_plain",
    "has_arrays",
    "has_numbers",
    "is_array",
    "is_plain",
    "print_of",
    "unwatched",
]

_CONTAINERS = (list, tuple, set, frozenset, dict)
_WATCHING = ("keras.", "tensorflow.")
_TENSOR = "tensor"
_DEEPEST = 16  # containers in containers; one that holds itself has no end


def is_plain(value: Any, depth: int = 0) -> bool:
    """Whether it is a number, word, flag, array or None, or a container of nothing else."""
    if type(value) in PLAIN or isinstance(value, (complex, bytes, PurePath)):
        return True
    inner = partial(is_plain, depth=depth + 1)
    if isinstance(value, np.generic) or type(value) is np.ndarray:  # no file that is mapped
        return depth < _DEEPEST and holds_plain(np.asarray(value), inner)
    sort = container(value)
    if sort is None:
        return depth == 0 and _host(value) is not None
    inside = [*value.keys(), *value.values()] if sort is dict else value
    return depth < _DEEPEST and all(map(inner, inside))


def container(value: Any) -> type | None:
    """Return the sort of a container, for which Keras and TensorFlow have classes that watch it."""
    if not isinstance(value, _CONTAINERS):  # most are none
        return None
    if type(value) not in _CONTAINERS and not type(value).__module__.startswith(_WATCHING):
        return None
    return next(sort for sort in _CONTAINERS if isinstance(value, sort))


def unwatched(value: Any, depth: int = 0) -> Any:
    """Return containers, and arrays, as they are now, the former as Python's own."""
    sort = container(value)
    if sort is None or depth > _DEEPEST:
        return value.copy() if type(value) is np.ndarray else value
    if sort is dict:
        return {key: unwatched(one, depth + 1) for key, one in value.items()}
    return sort(unwatched(one, depth + 1) for one in value)


def is_array(value: object) -> bool:
    """Whether it is an array or tensor of any backend; variables and what holds them are none."""
    import keras

    # TensorFlow calls a variable of Keras a tensor.
    return isinstance(value, np.ndarray) or (
        not isinstance(value, keras.Variable) and keras.ops.is_tensor(value)
    )


def has_arrays(value: Any, most: float = math.inf) -> bool:
    """Whether a plain value is an array of at most so many elements, or a container of some."""
    return any(is_array(one) and math.prod(one.shape) <= most for one in _inside(value))


def has_numbers(value: Any) -> bool:
    """Whether a plain value is a number or an array, or a container of some."""
    numbers = (int, float, complex, np.generic)
    return any(
        is_array(one) or (isinstance(one, numbers) and not isinstance(one, bool))
        for one in _inside(value)
    )


def _inside(value: Any) -> Iterator[Any]:
    """Yield what is in a plain value and no container."""
    sort = container(value) if is_plain(value) else None
    if sort is None:
        yield value
        return
    for one in value.values() if sort is dict else value:
        yield from _inside(one)


def _host(value: Any) -> Any:
    """Return a tensor of the backend as an array, None where no file can hold it."""
    array = on_host(value)
    return array if array is not None and holds_plain(array, is_plain) else None


def print_of(value: Any) -> str:
    """Return a short text that is another for any other plain value."""
    if type(value) in PLAIN:
        return f"{type(value).__name__} {value!r}"
    return json.dumps(_encoded(value, _digested))


def encode_plain(value: Any) -> Any:
    """Return a plain value as JSON; see `decode_plain`."""
    return _encoded(value, _written)


def decode_plain(node: Any) -> Any:
    """Undo `encode_plain`; a tensor is one of this backend.

    Raises:
        ValueError: The JSON describes no plain value.
    """
    import keras

    if names_a_class(node):
        raise ValueError("an object is no plain value")
    if isinstance(node, dict) and node.get(MARK) == _TENSOR:
        array = decode(node["value"])
        if not isinstance(array, np.ndarray):
            raise ValueError("a tensor is given by something else than an array")
        words = array.dtype.kind in "OSU"  # of TensorFlow
        return keras.ops.convert_to_tensor(array, "string" if words else dtype_name(array.dtype))
    return decode(node)


def _encoded(value: Any, leaf: Leaf) -> Any:
    array = None if isinstance(value, np.ndarray) else _host(value)
    if array is None:
        return encode(unwatched(value), "", [], leaf)
    return {MARK: _TENSOR, "value": encode(np.asarray(array), "", [], leaf)}


def _digested(value: Any, place: str, problems: list[Problem]) -> Any:
    return array_print(value, lambda one: encode(one, "", [], leaf=_digested))


def _written(value: Any, place: str, problems: list[Problem]) -> Any:
    return array_node(value, _written)
