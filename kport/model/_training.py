"""What `compile` was given: written so that another backend can use it, and given again."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

import keras

from kport.checkpoint import JSON, Checkpoint, Kind, ModelSpec, Note, ReportLine
from kport.components import OWN_COMPILE, compile_as_told
from kport.errors import LoadError, mapped
from kport.model._keras_trainer import automatic
from kport.model._walk import is_of_compile

__all__ = ["compile_again", "is_own", "training_config", "untrained", "without_training"]

_Told = TypeVar("_Told")
_TRAINING = (Kind.OPTIMIZER, Kind.METRIC)


def training_config(model: keras.Model, config: JSON) -> JSON | None:
    """Return the compile config inside a model's config, with what Keras leaves out of it.

    Keras does not keep ``auto_scale_loss``, and keeps what ``jit_compile="auto"`` came to.
    """
    training: JSON | None = config.get("compile_config")
    if not training or "jit_compile" not in training:
        return training
    changed: JSON = {"jit_compile": "auto"} if automatic(model) else {}
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    if model.optimizer and model.dtype_policy.name == "mixed_float16" and not scaled:
        changed["auto_scale_loss"] = False
    return {**training, **changed}


def compile_again(model: keras.Model, training: JSON) -> Iterator[ReportLine]:
    """Compile a model as it was; its optimizer gets no slots yet.

    Raises:
        LoadError: Optimizer, loss or metrics cannot be made.
    """
    with (
        warnings.catch_warnings(record=True) as caught,
        mapped(LoadError, "optimizer, loss or metrics cannot be restored"),
    ):
        warnings.simplefilter("always")
        if is_own(model, "compile_from_config"):
            model.compile_from_config(training)
        elif is_own(model, "compile") and not model.compiled and OWN_COMPILE in training:
            compile_as_told(model, training)
        elif is_own(model, "compile") and not model.compiled:
            yield ReportLine("dropped", "compile_config", "the model has a compile() of its own")
        else:  # what compile_from_config does, which also makes slots for all it could train now
            # A compile() of its own that __init__ has called gave this one what it saw fit.
            told = {key: one for key, one in training.items() if key != OWN_COMPILE}
            keras.Model.compile(model, **keras.saving.deserialize_keras_object(told))
    for warning in caught:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def is_own(model: keras.Model, method: str) -> bool:
    """Whether the class of a model has such a method of its own."""
    return getattr(type(model), method) is not getattr(keras.Model, method)


def without_training(checkpoint: Checkpoint) -> Checkpoint:
    """Return a Checkpoint without what `compile` was given and what came of training."""
    kept = {name: one for name, one in checkpoint.tensors.items() if one.kind not in _TRAINING}
    left = (one for one in checkpoint.tensors if one not in kept)
    notes = (*checkpoint.notes, *(Note("dropped", one, "compile=False") for one in left))
    spec = replace(checkpoint.spec, config={**checkpoint.spec.config, "compile_config": None})
    return replace(checkpoint, spec=untrained(spec), tensors=kept, notes=notes)


def untrained(spec: ModelSpec) -> ModelSpec:
    """Return a spec without the layers of losses and metrics that `compile` was given."""
    return replace(
        spec,
        builds=_kept(spec.builds),
        frozen=tuple(path for path in spec.frozen if not is_of_compile(path)),
        layers=_kept(spec.layers),
        parts=_kept(spec.parts),
        ties=_kept(spec.ties),
    )


def _kept(told: Mapping[str, _Told]) -> dict[str, _Told]:
    return {path: one for path, one in told.items() if not is_of_compile(path)}
