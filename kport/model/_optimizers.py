"""Optimizers as they were: those of ``compile``, those that a model has beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import keras

from kport.checkpoint import JSON, Kind, ModelSpec
from kport.components import resolve
from kport.errors import LoadError, mapped
from kport.model._config import portable
from kport.model._keras import serialize, trained_variables
from kport.model._keras_trainer import exempt_from_decay
from kport.model._training import compile_again
from kport.model._walk import Walk, walk

__all__ = ["attach", "attached", "build_optimizers", "exempt"]


_KNOWN = (keras.optimizers.Optimizer, keras.metrics.Metric)
_OF_COMPILE = frozenset({"optimizer", "_loss_tracker", "_compile_metrics"})


def attached(found: Walk) -> Iterator[tuple[str, JSON]]:
    """Yield path, attribute and config of optimizers and metrics that are attributes of layers.

    Code outside of the model may have put them there; then no constructor brings them back.
    """
    owners = {owner.path: owner.thing for owner in found.owners}
    for path, thing in owners.items():
        parent = owners.get(path.rpartition(".")[0])
        if isinstance(thing, _KNOWN) and isinstance(parent, keras.Layer):
            for name, value in vars(parent).items():
                if value is thing and name not in _OF_COMPILE:
                    yield path, {"attribute": name, "object": portable(serialize(thing))}


def attach(model: keras.Model, spec: ModelSpec, custom: Mapping[str, Any]) -> None:
    """Put on a model what code outside of it had put there, also in place of what its class makes.

    Raises:
        LoadError: It cannot be made.
    """
    owners = {one.path: one.thing for one in walk(model).owners} if spec.attached else {}
    for path, one in spec.attached.items():
        parent, name = owners.get(path.rpartition(".")[0]), one["attribute"]
        here = None if parent is None else getattr(parent, name, None)
        if parent is None or not (here is None or here is owners.get(path)):
            continue
        config = resolve(one["object"], custom, spec.components)
        if here is not None and _is_alike(here, config):
            continue
        with mapped(LoadError, f"{path} cannot be made"):
            thing = keras.saving.deserialize_keras_object(config)
            if isinstance(thing, _KNOWN):
                setattr(parent, name, thing)


def _is_alike(here: Any, stored: JSON) -> bool:
    """Whether an object that code makes is the one of a file, whose name an optimizer then gets."""
    if not isinstance(here, keras.optimizers.Optimizer):
        return True  # a metric computes nothing that a model gives
    if _compared(portable(serialize(here))) != _compared(stored):
        return False
    here.name = stored["config"].get("name", here.name)
    return True


def _compared(node: JSON) -> JSON:
    """Return what tells optimizers from one another; a rate that is a number is a variable."""
    config = {name: one for name, one in node["config"].items() if name != "name"}
    if not isinstance(config.get("learning_rate"), dict):
        config.pop("learning_rate", None)
    return {"class_name": node["class_name"], "config": json.loads(json.dumps(config))}


def exempt(found: Walk) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield path of an optimizer and names of the variables that its weight decay leaves out."""
    for path, optimizer in found.optimizers():
        names = [
            name
            for name, one in found.variables.items()
            if found.kinds[name] is Kind.PARAMETER and exempt_from_decay(optimizer, one)
        ]
        if names:
            yield path, tuple(names)


def build_optimizers(model: keras.Model, spec: ModelSpec) -> None:
    """Let each optimizer that was built have the slots it had, and exempt what it did."""
    found = walk(model)
    if _compile_parts_again(found, spec):
        found = walk(model)
    for path, optimizer in found.optimizers():
        if path in spec.exempt and not optimizer.built:
            optimizer.exclude_from_weight_decay(_variables(found, spec.exempt[path]))
    for path, optimizer in found.optimizers():
        if path in spec.trained and not optimizer.built and not _is_inner(path, found):
            rows = [spec.trained[path], *_inner_rows(path, spec)]
            with mapped(LoadError, f"the optimizer {path} cannot be built"):
                optimizer.build(_variables(found, rows[0] or chain(*rows)))


def _compile_parts_again(found: Walk, spec: ModelSpec) -> bool:
    """Give models inside the model new optimizers, where Keras has built them already.

    It builds them for all that could be trained now, and that may be less than it was. Say
    whether any was such a model.
    """
    names, any_new = found.names(), False
    for owner in found.owners:
        optimizer = getattr(owner.thing, "optimizer", None) if owner.path else None
        if isinstance(owner.thing, keras.Model) and optimizer is not None and optimizer.built:
            row = tuple(names.get(id(one), "") for one in trained_variables(optimizer))
            if row != spec.trained.get(f"{owner.path}.optimizer"):
                any_new = True
                for _ in compile_again(owner.thing, owner.thing.get_compile_config()):
                    pass  # a part with a compile() of its own was not compiled by Keras
    return any_new


def _variables(found: Walk, names: Iterable[str]) -> list[keras.Variable]:
    return [found.variables[name] for name in names if name in found.variables]


def _inner_rows(path: str, spec: ModelSpec) -> Iterator[tuple[str, ...]]:
    for inner, names in spec.trained.items():
        if inner.startswith(f"{path}."):
            yield names


def _is_inner(path: str, found: Walk) -> bool:
    return any(path.startswith(f"{outer}.") for outer, _ in found.optimizers())
