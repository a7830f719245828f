"""Hold the layers that a class's own code makes against those that the file's code made.

A config ends at the classes of users: what their code builds inside is not in it. Where a file
tells it all the same, it shows code that has changed since, what Keras changed underneath it, or
what was done to the layers of one model and stands in no code.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from kport.checkpoint import JSON, ModelSpec, ReportLine
from kport.components import SINCE, resolve
from kport.errors import KportError, LoadError, Problem, mapped
from kport.model._keras import alone, serializing
from kport.model._walk import Walk
from kport.model.changes._configs import held_by_users, told_config
from kport.model.changes._functions import other_functions
from kport.model.changes._lost import lost_objects, other_objects
from kport.model.changes._refusal import otherwise, refuse_others

__all__ = ["require_same_layers"]

_EPSILON = 2.0**-23  # of float32: a rate that code computes with keras.ops is of that


def require_same_layers(
    found: Walk, spec: ModelSpec, custom_objects: Mapping[str, Any], only: str = ""
) -> list[ReportLine]:
    """Compare each layer that code makes with what kport wrote of it; return what is lost.

    Arguments:
        found: The live model, with the values of the file.
        spec: The definition in the file.
        custom_objects: See `kport.load`.
        only: The path of the one layer that is wanted; empty for the whole model.

    Raises:
        LoadError: Some differ, or are on one side alone; all are named.
    """
    custom = keras.saving.custom_object_scope(dict(custom_objects))
    with alone(), serializing(found.owners[0].thing), custom:
        problems = [
            *_otherwise_made(found, spec, custom_objects),
            *_not_in_the_file(found, spec),
            *other_functions(found, spec.layers),
            *other_objects(found, spec.layers),
        ]
    start = f"{only}." if only else ""
    refuse_others(
        [one for one in problems if f"{one.place}.".startswith(start)],
        "Was the code changed, or were attributes set after the layers were made? Change the code "
        "to what the file has, so that __init__ makes such layers; or build the model and use",
    )
    lost = lost_objects(found, spec.layers)
    return [one for one in lost if f"{one.name}.".startswith(start)]


def _otherwise_made(
    found: Walk, spec: ModelSpec, custom_objects: Mapping[str, Any]
) -> Iterator[Problem]:
    live = dict(found.layers())
    stored = {path: state["made"] for path, state in spec.layers.items() if "made" in state}
    for path, theirs in stored.items():
        layer = live.get(_first_name(path, found.ties))
        if layer is None and not _is_built_around(path, live):
            continue  # that is what makes it
        if layer is None:
            text = f"is a {theirs.get('class_name')} in the file and not in the code here"
            yield Problem(path, text)
            continue
        # One that cannot be told here, as Keras tells none that was given a policy, has its class.
        ours = told_config(layer) or {"class_name": type(layer).__name__}
        if theirs != ours:
            yield from _unlike(path, _as_made_here(theirs, spec.components, custom_objects), ours)


def _is_built_around(path: str, live: Mapping[str, keras.Layer]) -> bool:
    """Whether the layer is built in which a path goes on that leads to nothing."""
    around = path
    while around and around not in live:
        around = around.rpartition(".")[0]
    return bool(live[around].built)


def _not_in_the_file(found: Walk, spec: ModelSpec) -> Iterator[Problem]:
    for path, layer in held_by_users(found):
        # One with a policy of a user's may have no state to tell.
        told = type(layer.dtype_policy).__module__.startswith("keras.")
        if told and spec.layers and path not in spec.layers:
            text = f"is a {type(layer).__name__} in the code here and not in the file"
            yield Problem(path, text)


def _first_name(path: str, ties: Mapping[str, str]) -> str:
    """Return the path by which the walk came first to an object, or to one that it lies in."""
    head, rest = path, ""
    while head:
        if head in ties:
            return ties[head] + rest
        head, _, last = head.rpartition(".")
        rest = f".{last}{rest}"
    return path


def _as_made_here(config: JSON, versions: Mapping[str, int], custom: Mapping[str, Any]) -> JSON:
    """Return what the config comes to here: names, arguments and Keras itself may be newer."""
    made = None
    with contextlib.suppress(KportError), mapped(LoadError, "cannot be made again"):
        made = told_config(
            keras.saving.deserialize_keras_object(resolve(config, custom, versions), custom)
        )
    return made or config


def _unlike(place: str, theirs: Any, ours: Any) -> Iterator[Problem]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        # Another Keras may have other arguments; what code set since is there only if it did.
        keys = sorted((theirs.keys() & ours.keys()) | ({SINCE} & (theirs.keys() | ours.keys())))
        # Of two classes the arguments say no more than the names.
        if theirs.get("class_name") != ours.get("class_name"):
            keys = ["class_name"]
        for key in keys:
            inner = place if key in ("class_name", "config") else f"{place}.{key}"
            yield from _unlike(inner, theirs.get(key), ours.get(key))
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for index, (one, other) in enumerate(zip(theirs, ours, strict=True)):
            yield from _unlike(f"{place}.{index}", one, other)
    elif theirs != ours and not _is_rounded(theirs, ours):
        yield otherwise(place, theirs, ours)


def _is_rounded(one: Any, other: Any) -> bool:
    """Whether two numbers are the same but for what backends round otherwise in float32."""
    floats = isinstance(one, float) and isinstance(other, float)
    # What was computed otherwise than in float32 is hardly ever one of its numbers.
    return (
        floats
        and np.float32(one) == one
        and np.float32(other) == other
        and math.isclose(one, other, rel_tol=4 * _EPSILON)
    )
