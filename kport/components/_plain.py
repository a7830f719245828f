"""The plain values that an object holds, by path: numbers, words, flags, arrays, and rows of them.

A path leads through what is no value itself: plain objects of users, and containers that hold such
objects or layers beside values. Layers, variables, metrics and optimizers have a state of their own
and end it, as does whatever no file can hold: locks, files, compiled functions.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from types import SimpleNamespace
from typing import Any

import numpy as np

from kport.checkpoint import DTYPES, digest_of, dtype_name, join_name, plain_bytes
from kport.components._values import PLAIN, array_node, decode, encode
from kport.errors import Problem

__all__ = [
    "FOREIGN",
    "container",
    "decode_plain",
    "encode_plain",
    "has_a_state",
    "is_array",
    "is_plain",
    "is_users",
    "plain_values",
    "print_of",
    "unwatched",
    "values_in",
]

_CONTAINERS = (list, tuple, set, frozenset, dict)
_WATCHING = ("keras.", "tensorflow.")
_DEEPEST = 16  # containers in containers; one that holds itself has no end

FOREIGN = frozenset({"builtins", "keras", "tensorflow", "jax", "jaxlib", "torch", "numpy"})
"""Objects of these packages are no user's, and may lead anywhere."""


def is_users(thing: Any) -> bool:
    """Whether a thing is an object of a user's class, which may hold layers."""
    root = type(thing).__module__.split(".")[0]
    known = root in FOREIGN or (root in sys.stdlib_module_names and root != "__main__")
    if type(thing) is SimpleNamespace:  # of the standard library, and made to hold what users like
        return True
    return not known and not isinstance(thing, type) and hasattr(thing, "__dict__")


def plain_values(
    held: Mapping[str, Any], known: frozenset[int] = frozenset()
) -> Iterator[tuple[str, Any]]:
    """Yield path and value of all that is plain among attributes, and inside of them.

    Arguments:
        held: The attributes of an object.
        known: The ids of objects that are told elsewhere.
    """
    return values_in(held, is_plain, known)


def values_in(
    held: Mapping[str, Any], wanted: Callable[[Any], bool], known: frozenset[int] = frozenset()
) -> Iterator[tuple[str, Any]]:
    """Yield path and value of all that is wanted, each object's once; see `plain_values`."""
    seen = set(known)
    waiting: list[tuple[tuple[str, ...], Mapping[Any, Any]]] = [((), held)]
    while waiting:
        path, inside = waiting.pop()
        for key, value in list(inside.items()):  # another thread may add to it
            if has_a_state(value):
                continue
            here = (*path, str(key))
            if wanted(value):
                yield join_name(*here), value
            elif id(value) not in seen and (inner := _inside(value)) is not None:
                seen.add(id(value))
                waiting.append((here, inner))


def _inside(value: Any) -> Mapping[Any, Any] | None:
    sort = container(value)
    if sort is dict:
        return dict(value)
    if sort in (list, tuple):
        return dict(enumerate(value))
    return dict(vars(value)) if is_users(value) else None


def has_a_state(value: Any) -> bool:
    """Whether a file keeps the state of a thing in a place of its own."""
    import keras

    kinds = keras.Layer, keras.Variable, keras.Metric, keras.Optimizer
    return isinstance(value, kinds) or type(value).__module__.startswith("kport.")


def is_plain(value: Any, depth: int = 0) -> bool:
    """Whether it is a number, word, flag, array or None, or a container of nothing else."""
    if type(value) in PLAIN or isinstance(value, (complex, bytes, PurePath)):
        return True
    if isinstance(value, np.generic) or type(value) is np.ndarray:  # no file that is mapped
        return value.dtype.name in DTYPES
    sort = container(value)
    if sort is None:
        return depth == 0 and _host(value) is not None
    inside = [*value.keys(), *value.values()] if sort is dict else value
    return depth < _DEEPEST and all(is_plain(one, depth + 1) for one in inside)


def container(value: Any) -> type | None:
    """Return the sort of a container, for which Keras and TensorFlow have classes that watch it."""
    if not isinstance(value, _CONTAINERS):  # most are none
        return None
    if type(value) not in _CONTAINERS and not type(value).__module__.startswith(_WATCHING):
        return None
    return next(sort for sort in _CONTAINERS if isinstance(value, sort))


def unwatched(value: Any) -> Any:
    """Return containers, and arrays, as they are now, the former as Python's own."""
    sort = container(value)
    if sort is None:
        return value.copy() if type(value) is np.ndarray else value
    if sort is dict:
        return {key: unwatched(one) for key, one in value.items()}
    return sort(unwatched(one) for one in value)


def is_array(value: object) -> bool:
    """Whether it is an array or tensor of any backend; variables and what holds them are none."""
    import keras

    # TensorFlow calls a variable of Keras a tensor.
    return isinstance(value, np.ndarray) or (
        not isinstance(value, keras.Variable) and keras.ops.is_tensor(value)
    )


def _host(value: Any) -> Any:
    """Return a tensor of the backend as an array, None where it is none, or has no value now."""
    import keras

    foreign = type(value).__module__.partition(".")[0] in FOREIGN
    if not foreign or has_a_state(value) or not keras.ops.is_tensor(value):
        return None
    try:
        array = keras.ops.convert_to_numpy(value)
    except Exception:  # noqa: BLE001  # inside a traced function each backend has errors of its own
        return None
    return array if isinstance(array, np.ndarray) and array.dtype.name in DTYPES else None


def print_of(value: Any) -> str:
    """Return a short text that is another for any other plain value."""
    if type(value) in PLAIN:
        return f"{type(value).__name__} {value!r}"
    return json.dumps(encode(_on_host(value), "", [], leaf=_digested))


def encode_plain(value: Any) -> Any:
    """Return a plain value as JSON; see `decode_plain`."""
    return encode(_on_host(value), "", [], leaf=_written)


def decode_plain(node: Any) -> Any:
    """Undo `encode_plain`; a tensor is one of this backend.

    Raises:
        ValueError: The JSON describes no plain value.
    """
    import keras

    if isinstance(node, dict) and node.keys() == {"tensor"}:
        array = decode(node["tensor"])
        if not isinstance(array, np.ndarray):
            raise ValueError("a tensor is given by something else than an array")
        return keras.ops.convert_to_tensor(array, dtype_name(array.dtype))
    return decode(node)


def _on_host(value: Any) -> Any:
    array = None if isinstance(value, np.ndarray) else _host(value)
    return unwatched(value) if array is None else {"tensor": np.asarray(array)}


def _digested(value: Any, place: str, problems: list[Problem]) -> Any:
    return [str(value.dtype), value.shape, digest_of(value)]


def _written(value: Any, place: str, problems: list[Problem]) -> Any:
    text = base64.b64encode(plain_bytes(value)).decode()
    return array_node(dtype_name(value.dtype), value.shape, text)
