"""Hold the layers that a class's own code makes against those that the file's code made.

A config ends at the classes of users: what their code builds inside is not in it. Where a file
tells it all the same, it shows code that has changed since, what Keras changed underneath it, or
what was done to the layers of one model and stands in no code.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from kport.checkpoint import JSON, MARK, OWN_MARK, ModelSpec
from kport.components import resolve
from kport.errors import KportError, LoadError, Problem, mapped
from kport.model._functions import other_functions
from kport.model._keras import alone, serializing
from kport.model._made import held_by_users, told_config
from kport.model._walk import Walk

__all__ = ["require_agreement", "require_same_layers"]

# Keys of a config that no output depends on, once the weights are those of the file.
_SILENT = frozenset({"build_config", "name", "seed", "trainable", MARK, OWN_MARK})
_MAX_TEXT = 80
_SILENT_ENDS = ("initializer", "regularizer", "constraint")


def require_agreement(
    found: Walk, made: Mapping[str, JSON], custom_objects: Mapping[str, Any]
) -> None:
    """Compare the config of each layer with that of the file; layers of other classes are skipped.

    Arguments:
        found: The live model.
        made: Path of a layer -> its config in the file.
        custom_objects: See `kport.load`.

    Raises:
        LoadError: Some differ; all are named.
    """
    layers = dict(found.layers()) if made else {}
    problems = [
        problem
        for path, config in made.items()
        if path in layers
        for problem in _differences(path, layers[path], config, custom_objects)
    ]
    _refuse(problems, "Change the code to what the file has, or build the model and use")


def _refuse(problems: list[Problem], remedy: str) -> None:
    if problems:
        raise LoadError(
            "the code here makes other layers than the code that wrote the file",
            problems=problems,
            remedy=f"{remedy} kport.load_weights(model, path), which compares weights alone.",
        )


def require_same_layers(
    found: Walk, spec: ModelSpec, custom_objects: Mapping[str, Any], only: str = ""
) -> None:
    """Compare each layer that code makes with what kport wrote of it.

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
        ]
    start = f"{only}." if only else ""
    _refuse(
        [one for one in problems if f"{one.place}.".startswith(start)],
        "Was the code changed, or were attributes set after the layers were made? Change the code "
        "to what the file has, so that __init__ makes such layers; or build the model and use",
    )


def _otherwise_made(
    found: Walk, spec: ModelSpec, custom_objects: Mapping[str, Any]
) -> Iterator[Problem]:
    live = dict(found.layers())
    stored = {path: state["made"] for path, state in spec.layers.items() if "made" in state}
    for path, theirs in stored.items():
        layer = live.get(_first_name(path, found.ties))
        if layer is None:
            text = f"is a {theirs.get('class_name')} in the file and not in the code here"
            yield Problem(path, text)
            continue
        ours = told_config(layer) or {}
        if theirs != ours:
            yield from _unlike(path, _as_made_here(theirs, spec.components, custom_objects), ours)


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
        both = theirs.keys() & ours.keys()
        # Of two classes the arguments say no more than the names.
        keys = (
            ["class_name"] if theirs.get("class_name") != ours.get("class_name") else sorted(both)
        )
        for key in keys:
            inner = place if key in ("class_name", "config") else f"{place}.{key}"
            yield from _unlike(inner, theirs.get(key), ours.get(key))
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for index, (one, other) in enumerate(zip(theirs, ours, strict=True)):
            yield from _unlike(f"{place}.{index}", one, other)
    elif theirs != ours:
        text = f"is {_short(theirs)} in the file and {_short(ours)} in the code here"
        yield Problem(place, text)


def _differences(
    path: str, layer: keras.Layer, config: JSON, custom_objects: Mapping[str, Any]
) -> Iterator[Problem]:
    twin = None
    # What cannot be made again, such as a Lambda with bytecode, cannot be compared.
    with contextlib.suppress(KportError), mapped(LoadError, "cannot be made again"):
        twin = keras.saving.deserialize_keras_object(resolve(config, custom_objects, {}))
    if twin is None or type(twin) is not type(layer):
        return
    rank = _rank(layer)
    theirs, ours = _loud(twin.get_config(), rank), _loud(layer.get_config(), rank)
    for key in sorted(theirs.keys() & ours.keys()):
        if theirs[key] != ours[key]:
            text = f"is {_short(theirs[key])} in the file and {_short(ours[key])} in the code here"
            yield Problem(f"{path}.{key}", text)


def _rank(layer: keras.Layer) -> int:
    shape = (layer.get_build_config() or {}).get("input_shape") if layer.built else None
    return len(shape) if isinstance(shape, (list, tuple)) else 0


def _loud(config: Any, rank: int, key: str = "") -> Any:
    """Return what outputs depend on, one value in one form."""
    if isinstance(config, Mapping):
        return {
            str(key): _loud(one, rank, str(key))
            for key, one in config.items()
            if key not in _SILENT and not str(key).endswith(_SILENT_ENDS)
        }
    if isinstance(config, (list, tuple)):
        return [_loud(one, rank, key) for one in config]
    if isinstance(config, float):
        return float(str(np.float32(config)))  # TensorFlow held it in 32 bits
    if key == "axis" and isinstance(config, int) and config < 0:
        return config + rank
    return config


def _short(value: Any) -> str:
    if isinstance(value, Mapping) and value.get("class_name") == "function":
        value = value.get("config")
    text = json.dumps(value, default=str)
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}..."
