"""What code has set on objects of users' classes since they were made, and its way back.

No config tells it, and no code makes it again: a file keeps numbers, words, flags, arrays and rows
of them, layer by layer.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from kport.checkpoint import JSON
from kport.components import (
    encode_plain,
    is_array,
    left_by_code,
    plain_values,
    print_of,
    untold_values,
)
from kport.errors import Problem, SaveError
from kport.model._attributes import set_by_users
from kport.model._hooks import saves_itself
from kport.model._keras import serializing
from kport.model._walk import Walk
from kport.model.changes._twins import Twins

__all__ = ["changed_values"]

_LARGE = 1 << 20  # characters of JSON, of which headers and manifests hold a few million
_NONE = print_of(None)


def changed_values(found: Walk) -> dict[str, JSON]:
    """Return path of a layer -> path of an attribute -> its value, of all that was changed.

    Raises:
        SaveError: Some is too large; all of it is named.
    """
    twins, problems = Twins(found), list[Problem]()
    with serializing(found.owners[0].thing):
        every = {
            path: dict(_changed(path, layer, twins, problems))
            for path, layer in found.layers()
            if not type(layer).__module__.startswith("keras.")
        }
    if problems:
        raise SaveError(
            "holds large values that code changed since __init__, and no variable of Keras",
            problems=problems,
            remedy="Put them into a keras.Variable, or make them with self.add_weight().",
        )
    return {path: changed for path, changed in every.items() if changed}


def _changed(
    path: str, layer: keras.Layer, twins: Twins, problems: list[Problem]
) -> Iterator[tuple[str, Any]]:
    before = left_by_code(layer)
    values = dict(untold_values(layer, set_by_users(layer)))
    if before is not None:
        values = _unlike(values, before)
    config = _config(layer) if values else {}
    told = {name: print_of(value) for name, value in plain_values(config)}
    values = _unlike(values, told)
    if before is None and values:
        before = twins.prints(layer, config)
        values = _unlike(values, before or {})
    for name, value in values.items():
        was = (before or {}).get(name, _NONE)
        if saves_itself(layer) and is_array(value):
            continue  # that method is to save it
        node = encode_plain(value)
        if len(json.dumps(node)) <= _LARGE:
            yield name, node
        elif was != _NONE or not is_array(value):  # else a cache
            place = ".".join(one for one in (path, name) if one)
            problems.append(Problem(place, "is another than __init__ made, and large", "lost"))


def _unlike(values: Mapping[str, Any], prints: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: one
        for name, one in values.items()
        if name not in prints or prints[name] != print_of(one)
    }


def _config(layer: keras.Layer) -> dict[str, Any]:
    with contextlib.suppress(Exception):  # a user's method, which loading may never need
        config: dict[str, Any] = layer.get_config()
        return config
    return {}
