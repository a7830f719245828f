"""Optimizers and metrics that layers hold, in attributes or lists and dicts that are attributes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from kport.checkpoint import JSON, ModelSpec, join_name, split_name
from kport.components import child_at, container, put_at, resolve
from kport.errors import LoadError, mapped
from kport.model._attributes import own_attributes
from kport.model._config import portable
from kport.model._keras import serialize
from kport.model._keras_variables import unlocked
from kport.model._walk import Walk, walk

__all__ = ["attach", "attached"]

_KNOWN = (keras.optimizers.Optimizer, keras.metrics.Metric)
_OF_COMPILE = frozenset({"optimizer", "_loss_tracker", "_compile_metrics"})
_OF_KERAS = frozenset({"_metrics"})  # its list of all of them


def attached(found: Walk) -> Iterator[tuple[str, JSON]]:
    """Yield path, place and config of optimizers and metrics that layers hold.

    Code outside of the model may have put them there; then no constructor brings them back.
    """
    paths = {id(one.thing): one.path for one in found.owners if isinstance(one.thing, _KNOWN)}
    for path, layer in found.layers():
        for place, thing in _held(own_attributes(layer)):
            if split_name(place)[0] not in _OF_COMPILE | _OF_KERAS and id(thing) in paths:
                told = {
                    "layer": path or ".",
                    "attribute": place,
                    "object": portable(serialize(thing)),
                }
                yield paths.pop(id(thing)), told


def _held(
    inside: Mapping[Any, Any], way: tuple[str, ...] = (), around: tuple[int, ...] = ()
) -> Iterator[tuple[str, Any]]:
    for key, value in inside.items():
        here = (*way, str(key))
        if isinstance(value, _KNOWN):
            yield join_name(*here), value
        elif (sort := container(value)) in (list, dict) and id(value) not in around:
            rows = value if sort is dict else dict(enumerate(value))
            yield from _held(rows, here, (*around, id(value)))


def attach(model: keras.Model, spec: ModelSpec, custom: Mapping[str, Any]) -> None:
    """Put into a model what code outside of it had put there, or in place of what its class makes.

    Raises:
        LoadError: It cannot be made.
    """
    layers = {path or ".": one for path, one in walk(model).layers()} if spec.attached else {}
    for path, one in spec.attached.items():
        layer, place = layers.get(one["layer"]), one["attribute"]
        here = child_at(layer, place)
        config = resolve(one["object"], custom, spec.components)
        if layer is None or (isinstance(here, _KNOWN) and _is_alike(here, config)):
            continue
        with mapped(LoadError, f"{path} cannot be made"), unlocked(layer):
            thing = keras.saving.deserialize_keras_object(config)
            if isinstance(thing, _KNOWN):
                put_at(layer, place, thing)  # where it has no place, its variables have none


def _is_alike(here: Any, stored: JSON) -> bool:
    """Whether an object that code makes is the one of a file, whose name it then gets."""
    if _compared(portable(serialize(here))) != _compared(stored):
        return False
    here.name = stored["config"].get("name", here.name)
    return True


def _compared(node: JSON) -> JSON:
    """Return what tells such objects from one another; a rate that is a number is a variable."""
    config = {name: one for name, one in node["config"].items() if name != "name"}
    if not isinstance(config.get("learning_rate"), dict):
        config.pop("learning_rate", None)
    return {"class_name": node["class_name"], "config": json.loads(json.dumps(config))}
