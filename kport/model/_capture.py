"""Turn a live model into a Checkpoint; no value is read until a format writes it."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import keras
import numpy as np

from kport.checkpoint import (
    JSON,
    Array,
    Checkpoint,
    Kind,
    LazyTensor,
    ModelSpec,
    Naming,
    Sample,
    dtype_name,
    join_name,
    names_below,
    renumbered,
)
from kport.components import (
    COMPONENTS,
    forgotten_arguments,
    named_components,
    replaced_arguments,
)
from kport.errors import KportError, Problem, SaveError, UsageError, mapped
from kport.model._assets import assets_of
from kport.model._attached import attached
from kport.model._build_shapes import build_configs
from kport.model._config import portable
from kport.model._freeze import frozen_names
from kport.model._hooks import saves_itself
from kport.model._keras import alone, serialize, trained_variables
from kport.model._keras_paths import KerasOwner, keras_owners, own_values, vars_path
from kport.model._layer_states import layer_states
from kport.model._metrics import metric_states
from kport.model._optimizers import exempt
from kport.model._plan import WEIGHTS
from kport.model._raw import raw_state
from kport.model._remembered import Remembered, remembered_arguments
from kport.model._sample import run_sample
from kport.model._signature import signature_of
from kport.model._training import training_config, untrained
from kport.model._walk import Walk, walk
from kport.model.backends import host_view, order_of, own_pieces, spread_source
from kport.model.changes import made_of_made, set_apart

__all__ = ["capture"]


def capture(model: keras.Model, *, optimizer: bool = True, sample: Any = None) -> Checkpoint:
    """Return a live model as plain data whose tensors are views of its variables.

    Arguments:
        model: A built model.
        optimizer: Whether the optimizer's state, the compile config and the metrics come along.
        sample: Inputs to run through the model; they and its outputs are kept with it.

    Raises:
        UsageError: It is no Keras model.
        SaveError: It is not built, or its config cannot be represented.
    """
    if not isinstance(model, keras.Model):
        raise UsageError(f"expected a keras.Model, got {type(model).__name__}")
    with mapped(SaveError, "lists of the model are nested too deep", when=_is_of_depth):
        found = walk(model)
    # One of which only the parts are called, such as a GAN, is never built.
    if not model.built and not any(kind in WEIGHTS for kind in found.kinds.values()):
        raise SaveError(
            f"the model {model.name!r} has no weights yet",
            remedy="Call it once on data, or give it an Input, before saving it.",
        )
    _require_whole(found)
    with alone(), remembered_arguments(found, optimizer) as remembered:
        spec, large = set_apart(_spec(model, found, optimizer, remembered))
    owners = list(keras_owners(model))
    tensors = {tensor.name: tensor for tensor in _tensors(found, owners)}
    if not optimizer:
        spec, left_out = untrained(spec), (Kind.OPTIMIZER, Kind.METRIC)
        tensors = {name: one for name, one in tensors.items() if one.kind not in left_out}
    return Checkpoint(
        spec=spec,
        tensors=tensors,
        naming=Naming.ATTRIBUTE,
        assets={**large, **{asset.name: asset for asset in assets_of(found, owners)}},
        provenance={"keras": keras.version(), "backend": keras.backend.backend()},
        sample=None if sample is None else Sample(sample, run_sample(model, sample)),
    )


def _is_of_depth(error: BaseException) -> bool:
    return isinstance(error, RecursionError)


def _require_whole(found: Walk) -> None:
    """Refuse a model of which something would be lost, and say what."""
    _require_arguments(found)
    things = [owner.thing for owner in found.owners]
    for message, problems, remedy in (
        (
            "a loaded model would have what __init__ made",
            [one for thing in things for one in replaced_arguments(thing)],
            "Make the model with these as arguments, or write a get_config that tells them.",
        ),
        (
            "a loaded model would be another one",
            list(made_of_made(found)),
            "Let get_config tell what __init__ was given, or delete it and let @kport.register "
            "remember that.",
        ),
        (
            "holds state that is no part of a Keras model",
            list(raw_state(found)),
            "Make it with self.add_weight(..., trainable=...), or put it into a keras.Variable.",
        ),
    ):
        if problems:
            raise SaveError(message, problems=problems, remedy=remedy)


def _require_arguments(found: Walk, told: set[int] | None = None) -> None:
    """Refuse a model with a `get_config` out of which another object would be made, or none."""
    problems = [
        problem
        for owner in found.owners
        for problem in forgotten_arguments(owner.thing, told=id(owner.thing) in (told or ()))
    ]
    if problems:
        raise SaveError(
            "a loaded model would be another one",
            problems=problems,
            remedy="Add them to get_config, or delete it and let @kport.register remember what "
            "__init__ was given.",
        )


def _spec(model: keras.Model, found: Walk, optimizer: bool, remembered: Remembered) -> ModelSpec:
    with mapped(SaveError, f"the config of {model.name!r} cannot be made"), _quiet_lambdas():
        told: set[int] = set()
        config = portable(serialize(model, training=optimizer, seen=told))
    remembered.only(told)
    _require_arguments(found, told)
    config["compile_config"] = training_config(model, config) if optimizer else None
    names = found.names()
    trained = {
        path: tuple(names.get(id(v), "") for v in trained_variables(one))
        for path, one in found.optimizers()
        if one.built and optimizer
    }
    return ModelSpec(
        config=config,
        signature=signature_of(model),
        attached=dict(attached(found)) if optimizer else {},
        components=COMPONENTS.versions({*named_components(config), *_classes(found)}),
        builds=dict(build_configs(found)),
        exempt=dict(exempt(found)) if optimizer else {},
        frozen=tuple(frozen_names(found)),
        layers=dict(layer_states(found, told)),
        metrics=metric_states(found) if optimizer else {},
        parts=_parts(found, remembered),
        trained={path: tuple(filter(None, row)) for path, row in trained.items()},
        ties=dict(_ties(found)),
    )


def _parts(found: Walk, remembered: Remembered) -> dict[str, JSON]:
    """What each model inside the model needs to be loaded alone, by its path."""
    with remembered.all():
        return dict(_configs_of_parts(found))


def _configs_of_parts(found: Walk) -> Iterator[tuple[str, JSON]]:
    for owner in found.owners:
        if owner.path and isinstance(owner.thing, keras.Model) and owner.thing.built:
            # Its config may be no JSON of its own where the whole's does without it.
            with contextlib.suppress(KportError, NotImplementedError):
                config = renumbered(portable(serialize(owner.thing, training=False)))
                config = {**config, "compile_config": None}
                yield owner.path, {"config": config, "signature": signature_of(owner.thing)}


def _ties(found: Walk) -> Iterator[tuple[str, str]]:
    """Second name -> first name of every variable that is reached by two paths."""
    ties = {second: first for second, first in found.ties.items() if first in found.variables}
    named = {**{name: name for name in found.variables}, **ties}
    yield from ties.items()
    ordered = sorted(named)
    for second, first in found.ties.items():  # of objects: all that lies below them
        for name in names_below(first, ordered):
            yield second + name[len(first) :], named[name]


def _classes(found: Walk) -> Iterator[str]:
    """The names of all classes in a model, also of those that only its code creates."""
    for owner in found.owners:
        yield keras.saving.get_registered_name(type(owner.thing))


def _quiet_lambdas() -> warnings.catch_warnings[None]:
    # Keras warns of each lambda with its source; `portable` refuses them all in one error.
    return warnings.catch_warnings(action="ignore", category=UserWarning)


def _tensors(found: Walk, owners: list[KerasOwner]) -> Iterator[LazyTensor]:
    names = found.names()
    keras_paths: dict[str, str] = {}
    derived: list[tuple[str, Any, bool]] = []
    for owner in owners:
        for key, value in own_values(owner.thing).items():
            path = vars_path(owner, key)
            if id(value) in names:
                keras_paths.setdefault(names[id(value)], path)
            else:
                derived.append((path, value, saves_itself(owner.thing)))
    # Those of a layer that code has replaced are none of its attributes' and still the model's.
    counted = set(map(id, found.owners[0].thing.variables))
    unnamed = [(path, one) for path, one, _ in derived if isinstance(one, keras.Variable)]
    _require_found(path for path, one in unnamed if id(one) not in counted)
    for turn, (name, variable) in enumerate(found.variables.items()):
        value = variable.value
        yield LazyTensor(
            name,
            tuple(map(int, variable.shape)),
            variable.dtype,
            found.kinds[name],
            spread_source(value) or partial(host_view, value),
            keras_paths.get(name),
            pieces=own_pieces(value, turn),
            order=order_of(value),
        )
    for path, value, own in derived:
        yield _of_value(path, value, own)


def _require_found(unnamed: Iterable[str]) -> None:
    """Refuse variables that Keras finds by a property, and the attributes do not lead to."""
    problems = [Problem(path, "is held by no attribute", "lost") for path in unnamed]
    if problems:
        raise SaveError(
            "has variables that no attribute of the model leads to",
            problems=problems,
            remedy="Hold the layers that they belong to in attributes of the model.",
        )


def _of_value(path: str, value: Any, own: bool) -> LazyTensor:
    values: Array = np.asarray(keras.ops.convert_to_numpy(value))
    kind = Kind.STATE if own else Kind.DERIVED
    with mapped(SaveError, f"{path} of save_own_variables is of a dtype that cannot be saved"):
        dtype = dtype_name(values.dtype)
    return LazyTensor(join_name(*path.split("/")), values.shape, dtype, kind, lambda: values, path)
