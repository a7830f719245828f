"""What code has set on layers since they were made, and no config tells.

Plain values go to a file, by path. An object in the place of a value is an error: no file holds it,
and the value would be back. Any other object is told by its class, for loading to say where it is
not there again.
"""

from __future__ import annotations

import contextlib
import inspect
import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import keras

from kport.checkpoint import JSON, split_name
from kport.components import (
    encode_plain,
    has_numbers,
    is_array,
    is_function,
    is_plain,
    leaves,
    left_by_code,
    mark_of,
    prints,
    text_of,
    untold_values,
)
from kport.errors import Problem, SaveError
from kport.model._attributes import set_by_users, unknown_to_keras
from kport.model._hooks import saves_itself
from kport.model._keras import serializing
from kport.model._walk import Walk
from kport.model.changes._large import MOST_BYTES
from kport.model.changes._replaced import value_before
from kport.model.changes._twins import Twins

__all__ = ["changed_values"]

_MOST_BYTES = MOST_BYTES // 2  # of an array, which JSON holds in base 64


def changed_values(found: Walk, told: Collection[int]) -> Iterator[tuple[str, str, JSON]]:
    """Yield path of a layer, ``attributes`` or ``objects``, and by path what was changed.

    Arguments:
        found: The model.
        told: The ids of what its config tells.

    Raises:
        SaveError: An object stands in the place of a value; all of them are named.
    """
    twins, problems = Twins(found), list[Problem]()
    with serializing(found.owners[0].thing):
        for path, layer in found.layers():
            changed, before = _changed(layer, twins)
            plain = {name: one for name, one in changed.items() if _can_be_held(one)}
            objects = {
                name: one
                for name, one in changed.items()
                if name not in plain and id(one) not in told
            }
            for name, one in objects.items():
                if _is_left_to_code(layer, name, one, told):
                    continue
                if was := value_before(layer, name, one, before):
                    place = ".".join(part for part in (path, name) if part)
                    problems.append(Problem(place, f"is {mark_of(one)}, and was {was}", "lost"))
            lost = {name: mark_of(one) for name, one in objects.items() if not is_function(one)}
            if plain:
                yield path, "attributes", {name: encode_plain(one) for name, one in plain.items()}
            if lost:
                yield path, "objects", lost
    if problems:
        raise SaveError(
            "code has put objects, which no file holds, in the places of values",
            problems=problems,
            remedy="Let __init__ make them of its arguments, or get_config tell them; arrays of "
            "any size go into a keras.Variable.",
        )


def _is_left_to_code(layer: keras.Layer, name: str, thing: Any, told: Collection[int]) -> bool:
    """Whether it is no matter what stands there after loading, or loading is to compare it.

    An initializer does not run where a file has the values. What code gave to a layer that it makes
    is nowhere told where a `get_config` leaves the argument out.
    """
    if isinstance(thing, keras.initializers.Initializer):
        return True
    argument = split_name(name)[0].lstrip("_")
    return id(layer) not in told and argument in inspect.signature(
        type(layer).__init__
    ).parameters.keys() - _config(layer)


def _can_be_held(value: Any) -> bool:
    return is_plain(value) and not (is_array(value) and _bytes_of(value) > _MOST_BYTES)


def _bytes_of(array: Any) -> int:
    item = getattr(array, "itemsize", 8)  # of a tensor of TensorFlow, the most
    return int(math.prod(array.shape) * item)


def _changed(layer: keras.Layer, twins: Twins) -> tuple[dict[str, Any], Mapping[str, str]]:
    """Return what is another than code made of the config, and what that made."""
    if type(layer).__module__.startswith("keras."):
        return _given(layer), {}
    before = left_by_code(layer)
    untold = dict(untold_values(layer, set_by_users(layer)))
    values = untold if before is None else _unlike(untold, before)
    drawn = {name: one for name, one in untold.items() if name not in values and has_numbers(one)}
    if not (values or drawn):
        return {}, {}
    config = _config(layer)
    told = prints(config)
    if drawn := _unlike(drawn, told):  # perhaps
        values |= _unlike(drawn, twins.prints(layer, config) or {})
    values = _unlike(values, told)
    if before is None or not all(map(is_plain, values.values())):
        # A get_config may tell an object by another name.
        twin = (twins.prints(layer, config) or {}) if values else {}
        values = _unlike(values, twin)
        if before is None:
            before = twin
            if not all(map(is_plain, values.values())):
                values = _without_own(values, twin, twins.prints(layer, config, again=True) or {})
    if saves_itself(layer):  # that method is to save arrays
        values = {name: one for name, one in values.items() if not is_array(one)}
    return values, before


def _given(layer: keras.Layer) -> dict[str, Any]:
    """Return what users gave to a layer of Keras's own, which computes nothing with it.

    Objects are lost as a whole, so what is in them is not among it.
    """
    held = dict(leaves(unknown_to_keras(layer)))
    objects = tuple(f"{name}." for name, one in held.items() if not is_plain(one))
    return {name: one for name, one in held.items() if not name.startswith(objects)}


def _without_own(
    values: Mapping[str, Any], one: Mapping[str, str], other: Mapping[str, str]
) -> dict[str, Any]:
    """Return the values without objects that the code makes otherwise each time, such as a UUID."""
    return {
        name: value
        for name, value in values.items()
        if is_plain(value) or one.get(name) == other.get(name)
    }


def _unlike(values: Mapping[str, Any], before: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: one
        for name, one in values.items()
        if name not in before or before[name] != text_of(one)
    }


def _config(layer: keras.Layer) -> dict[str, Any]:
    with contextlib.suppress(Exception):  # a user's method, which loading may never need
        return dict(layer.get_config())
    return {}
