"""Values of constructor arguments as JSON, beyond what Keras's own serialization knows.

Keras gives back a tuple as a list, a dict with its keys as strings, a NumPy scalar as a Python
number; and it does not know sets, paths, bytes that are no text, complex numbers, classes, or
functions with some arguments given. Each of those becomes an object with one key, ``__kport__``, so
that the argument comes back as it was.
Everything that Keras can serialize (layers, initializers, registered functions, dataclasses, enums)
is left to it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from kport.checkpoint import DTYPES
from kport.components._arrays import decode_array, encode_array, holds_plain, on_host
from kport.components._references import class_node, class_of, node_of
from kport.components._things import is_of_users_class
from kport.errors import Problem

__all__ = ["MARK", "PLAIN", "Leaf", "array_node", "decode", "encode", "unmarked"]

PLAIN = (str, int, float, bool, type(None))
"""What JSON has words for."""

_FLATTENED = (str, int, float, list, tuple, dict)
"""Of an object of a class derived from these, Keras keeps this much."""

MARK = "__kport__"
"""The key of an object that stands for a value which JSON has no word for."""

Leaf = Callable[[Any, str, list[Problem]], Any]


def encode(value: Any, place: str, problems: list[Problem], leaf: Leaf | None = None) -> Any:
    """Return a value as JSON and objects that Keras serializes.

    Arguments:
        value: What a constructor was given.
        place: Its name, for the problem.
        problems: Takes what cannot be represented.
        leaf: What to make of anything but plain values and rows of them; default is to leave it to
            Keras.
    """
    if isinstance(value, np.str_):
        return {MARK: "scalar", "dtype": "str", "value": str(value)}
    if isinstance(value, (np.datetime64, np.timedelta64)):
        ticks = int(value.view("int64"))
        return {MARK: "scalar", "dtype": value.dtype.newbyteorder("<").str, "value": ticks}
    if isinstance(value, np.generic) and not isinstance(value, bytes):
        return {MARK: "scalar", "dtype": value.dtype.name, "value": value.item()}
    if type(value) in PLAIN:
        return value
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        items = [encode(item, f"{place}[{i}]", problems, leaf) for i, item in enumerate(value)]
        return items if isinstance(value, list) else {MARK: "tuple", "items": items}
    if isinstance(value, dict) and not is_of_users_class(value):
        return _encode_dict(value, place, problems, leaf)
    if type(value) in (set, frozenset):
        items = [encode(item, place, problems, leaf) for item in sorted(value, key=repr)]
        return {MARK: type(value).__name__, "items": items}
    if isinstance(value, range):
        return {MARK: "range", "value": [value.start, value.stop, value.step]}
    if isinstance(value, PurePath):
        return {MARK: "path", "value": value.as_posix()}
    if isinstance(value, bytes):
        return {MARK: "bytes", "value": base64.b64encode(value).decode()}
    if isinstance(value, complex):
        return {MARK: "complex", "value": [value.real, value.imag]}
    return (leaf or _for_keras)(value, place, problems)


def _encode_dict(
    value: dict[Any, Any], place: str, problems: list[Problem], leaf: Leaf | None
) -> Any:
    pairs = {key: encode(item, f"{place}[{key!r}]", problems, leaf) for key, item in value.items()}
    # Keras would take a dict with these keys for one of its own objects.
    plain = all(isinstance(key, str) for key in pairs) and not {"class_name", MARK} & set(pairs)
    if plain and (leaf is None or list(pairs) == sorted(pairs)):  # files sort what is no config
        return pairs
    keys = [encode(key, place, problems, leaf) for key in pairs]
    return {MARK: "dict", "items": [list(pair) for pair in zip(keys, pairs.values(), strict=True)]}


def _for_keras(value: Any, place: str, problems: list[Problem]) -> Any:
    import keras

    array = value if isinstance(value, np.ndarray) else on_host(value)
    if array is not None and (array.dtype.kind in "biuf" or array.dtype.name in DTYPES):
        return array_node(array, _for_keras) if value is array and array.ndim == 0 else value
    if type(value) is np.ndarray and holds_plain(value, lambda one: type(one) in PLAIN):
        return array_node(value, _for_keras)
    if isinstance(value, type) and (node := class_node(value)) is not None:
        return {MARK: "class", "value": node}
    if type(value) is partial:
        parts = {"function": value.func, "args": value.args, "keywords": value.keywords}
        inner = {key: encode(one, f"{place}.{key}", problems) for key, one in parts.items()}
        return {MARK: "partial", **inner}
    serializable = hasattr(value, "get_config") or isinstance(value, keras.DTypePolicy)
    if serializable and not isinstance(value, type):
        return node_of(value) if isinstance(value, _FLATTENED) else value
    if _is_known_function(value):
        return value
    what = "a function" if callable(value) else f"a {type(value).__name__}"
    text = f"is {what} ({value!r:.60}), which a file cannot hold"
    if isinstance(value, keras.KerasTensor):
        text = (
            "is a tensor of a graph, which a file holds where __init__ takes (*args, **kwargs), or "
            "(inputs, outputs, name=None, **kwargs), and hands them on as they are"
        )
    problems.append(Problem(place, text, "type"))
    return None


def _is_known_function(value: Any) -> bool:
    """Whether it is registered, or one of Keras's own."""
    import keras

    name = getattr(value, "__name__", None)  # which not all that can be called has
    if not callable(value) or isinstance(value, type) or name is None:
        return False
    registered = keras.saving.get_registered_name(value) != name
    return registered or getattr(value, "__module__", "").startswith("keras.")


def array_node(array: np.ndarray[Any, Any], leaf: Leaf) -> dict[str, Any]:
    """Return an array as JSON; see `decode`."""
    return {MARK: "array", **encode_array(array, lambda one: encode(one, "", [], leaf))}


def decode(value: Any) -> Any:
    """Undo `encode`, and let Keras make the objects that it serialized."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "class_name" in value and "config" in value:
        import keras

        return keras.saving.deserialize_keras_object(value)
    sort = value.get(MARK)
    if sort is None:
        return {key: decode(item) for key, item in value.items()}
    return _decode_marked(sort, value)


def unmarked(value: Any) -> Any:
    """Undo `encode` of all but what Keras serialized, which stays as it is."""
    if isinstance(value, list):
        return [unmarked(item) for item in value]
    if not isinstance(value, dict) or ("class_name" in value and "config" in value):
        return value
    if MARK in value:
        return decode(value)
    return {key: unmarked(item) for key, item in value.items()}


def _decode_marked(sort: str, value: dict[str, Any]) -> Any:
    if sort in ("tuple", "set", "frozenset"):
        make = {"tuple": tuple, "set": set, "frozenset": frozenset}[sort]
        return make(decode(item) for item in value["items"])
    if sort == "dict":
        return {decode(key): decode(item) for key, item in value["items"]}
    if sort == "scalar":
        dtype = np.dtype(value["dtype"])
        if dtype.kind == "V" and dtype.name not in DTYPES:
            raise ValueError(
                f"{dtype.name} is no dtype of a number"
            )  # NumPy makes raw memory of it
        return (
            np.int64(value["value"]).view(dtype)
            if dtype.kind in "mM"
            else dtype.type(value["value"])
        )
    if sort == "array":
        return decode_array(value, decode)
    if sort == "range":
        return range(*value["value"])
    if sort == "class":
        return class_of(value["value"])
    if sort == "partial":
        given = decode(value["args"]), decode(value["keywords"])
        return partial(decode(value["function"]), *given[0], **given[1])
    if sort == "path":
        return Path(value["value"])
    if sort == "bytes":
        return base64.b64decode(value["value"])
    real, imaginary = value["value"]
    return complex(real, imaginary)
