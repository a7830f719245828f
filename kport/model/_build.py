"""Turn a Checkpoint into a live model: check the names, construct, restore, assign."""

from __future__ import annotations

import difflib
import math
import warnings
import weakref
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace
from typing import Any

import keras

from kport.checkpoint import (
    JSON,
    Checkpoint,
    Holds,
    Kind,
    LoadReport,
    Naming,
    ReportLine,
    around_part,
    recast,
)
from kport.components import in_scope, resolve
from kport.errors import LoadError, MissingComponentError, UsageError, mapped
from kport.model._ahead import reading_ahead
from kport.model._assets import assets_below, load_assets
from kport.model._assign import assign
from kport.model._attached import attach
from kport.model._build_shapes import build_again, build_layers
from kport.model._config import marked_for_keras
from kport.model._drift import refuse_drift
from kport.model._freeze import freeze_inner, said_frozen
from kport.model._keras import alone, policies_named, without_tensorflow
from kport.model._keras_constructors import named_later
from kport.model._keras_initializers import Pending, without_initializers
from kport.model._keras_model_builds import never_again, unrun
from kport.model._keras_sequential import built_once
from kport.model._keras_sharing import loading_scope
from kport.model._keras_vocabularies import no_vocabulary_files
from kport.model._match import match
from kport.model._metrics import build_lazy_metrics, build_metrics
from kport.model._optimizers import build_optimizers
from kport.model._reasons import reason_first
from kport.model._restore import restore
from kport.model._signature import restore_signatures
from kport.model._text import refuse_text
from kport.model._training import compile_again, without_training
from kport.model._unlearned import mark_unlearned
from kport.model._walk import Walk, walk
from kport.model._wrong_kernels import refuse_wrong_kernels
from kport.model.changes import (
    put_together,
    put_values,
    require_agreement,
    require_same_layers,
)

__all__ = ["build", "build_part", "report_of"]

_FEW_VALUES = 1 << 26  # 256 MB of float32
_REPORTS: weakref.WeakKeyDictionary[keras.Model, LoadReport] = weakref.WeakKeyDictionary()


def report_of(model: keras.Model) -> LoadReport:
    """Return what became of every tensor when kport loaded this model.

    Raises:
        UsageError: kport did not load it.
    """
    if model not in _REPORTS:
        raise UsageError(f"kport did not load the model {getattr(model, 'name', model)!r}")
    return _REPORTS[model]


def build(
    checkpoint: Checkpoint,
    *,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,  # noqa: A002  # Keras's own name for it
    only: str = "",
    dtype: str | None = None,
) -> keras.Layer:
    """Return the live model of a Checkpoint, with every value in its place.

    No initializer runs where a value is to go; `report_of` tells what became of every tensor.

    Arguments:
        checkpoint: What a format read.
        custom_objects: Classes and functions by name, beside the registered ones.
        compile: Whether to restore optimizer, loss and metrics.
        only: The path of one layer, to read the values of that one alone and return it.
        dtype: The floating-point dtype of all layers in place of their own.

    Raises:
        UsageError: The model has no such layer.
        UnsafeFileError: The config names what is never constructed, or asks for too many values.
        MissingComponentError: It names components that are not registered.
        MismatchError: Tensors and variables do not agree; the model is not given back.
        LoadError: A constructor failed.
    """
    custom = in_scope(custom_objects)
    checkpoint, config = _resolved(_with_definition(checkpoint, compile, custom), custom, dtype)
    with nullcontext() if only or dtype else reading_ahead(checkpoint) as ahead:
        with alone(), policies_named(), _paused(checkpoint) as pending, _policy(dtype):
            model, lines = _make(config, checkpoint, custom, dtype)
            found = walk(model)
            restore_signatures(found, checkpoint.spec)
            require_agreement(found, checkpoint.made, custom)
            refuse_wrong_kernels(found)
            plan = match(checkpoint, model, found)
            refuse_drift(checkpoint, found, plan)
            wanted = _layer_at(found, only) if only else model
            plan.pairs = [pair.rounded() if dtype else pair for pair in plan.pairs]
        if only:
            pending.forget(plan.narrow(walk(wanted), found))
            checkpoint = assets_below(checkpoint, only)
        strict = checkpoint.holds is not Holds.DEFINITION
        report = assign(plan, strict=strict, fresh=True, ahead=ahead)
    load_assets(checkpoint, model, found)
    lines += put_values(found, checkpoint.spec.layers)
    pending.run_except(plan.filled())
    lines += require_same_layers(found, checkpoint.spec, custom, only)
    _REPORTS[wanted] = report.with_lines([*lines, *checkpoint.notes, *mark_unlearned(found)])
    return wanted


def _paused(checkpoint: Checkpoint) -> AbstractContextManager[Pending]:
    return without_initializers(_most_values(checkpoint))


def _most_values(checkpoint: Checkpoint) -> int | None:
    """Return how many values a model may have: sixteen times as many as are stored, or a few.

    A model has its weights, up to three slots for each that were perhaps not stored, and some
    twice that are then tied; what asks for more is no model of these weights.
    """
    if checkpoint.holds is Holds.DEFINITION:
        return None
    stored = sum(math.prod(one.shape) for one in checkpoint.tensors.values())
    return max(_FEW_VALUES, 16 * stored)


def _resolved(
    checkpoint: Checkpoint, custom: dict[str, Any], dtype: str | None
) -> tuple[Checkpoint, dict[str, Any]]:
    if dtype is not None:
        checkpoint = replace(checkpoint, spec=recast(checkpoint.spec, dtype))
    spec, tensors = checkpoint.spec, checkpoint.tensors.values()
    config = resolve(spec.config, custom, spec.components, checkpoint.about, tensors)
    return checkpoint, marked_for_keras(config)


def _with_definition(checkpoint: Checkpoint, training: bool, custom: dict[str, Any]) -> Checkpoint:
    if checkpoint.holds is Holds.WEIGHTS:
        raise LoadError(
            "holds weights only and not the model they belong to",
            problems=[one for known in checkpoint.about.values() for one in known],
            remedy="Build the model from its code and use kport.load_weights(model, path).",
        )
    if training:
        return put_together(checkpoint)
    with suppress(MissingComponentError):  # of losses and metrics; what is unsafe is refused
        resolve(checkpoint.spec.config, custom, checkpoint.spec.components)
    return put_together(without_training(checkpoint))


@contextmanager
def _policy(dtype: str | None) -> Iterator[None]:
    """Let layers that code makes, and that say nothing of a dtype, have this one."""
    if dtype is None:
        yield
        return
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def build_part(
    checkpoint: Checkpoint,
    path: str,
    *,
    custom_objects: Mapping[str, Any] | None = None,
    dtype: str | None = None,
) -> keras.Layer:
    """Return one model or layer out of a Checkpoint; only its values are read.

    A model whose definition the file holds by itself is built alone; for any other layer the
    smallest such model around it is built, without values, to take the layer out of it.

    Arguments:
        checkpoint: What a format read.
        path: The attribute path of the model or layer; slashes count as dots.
        custom_objects: See `build`.
        dtype: See `build`.

    Raises:
        UsageError: There is no such part; those with similar paths are named.
    """
    checkpoint, inside = around_part(checkpoint, path)
    return build(checkpoint, custom_objects=custom_objects, compile=False, only=inside, dtype=dtype)


def _layer_at(found: Walk, path: str) -> keras.Layer:
    layers = dict(found.layers())
    if path not in layers:
        near = difflib.get_close_matches(path, layers, 5, 0.4)
        near = near or [name for name in layers if name][:5]
        raise UsageError(
            f"has no part {path!r}", remedy=f"Layers with a similar path: {', '.join(near)}."
        )
    return layers[path]


def _construct(config: dict[str, Any], dtype: str | None) -> keras.Model:
    frozen = said_frozen(config)
    with (
        mapped(
            LoadError,
            f"the model {config.get('class_name')!r} cannot be constructed",
            remedy="Let the __init__ of that class take what the file has of it, or write a "
            "from_config that does.",
        ),
        reason_first(),
        loading_scope(dtypes=dtype is None),
        named_later(),
        built_once(),
        warnings.catch_warnings(),
    ):
        # Unbuilt parts show up as missing variables, all named, in the error of `assign`.
        warnings.filterwarnings("ignore", message=".* had a build config, but the model cannot")
        warnings.filterwarnings("ignore", message=r"`build\(\)` was called on layer")
        model = keras.saving.deserialize_keras_object(config)
    if not isinstance(model, keras.Model):
        raise LoadError(f"the config describes a {type(model).__name__}, not a model")
    refuse_text(model)
    freeze_inner(model, frozen)
    return model


def _make(
    config: JSON, checkpoint: Checkpoint, custom: dict[str, Any], dtype: str | None
) -> tuple[keras.Model, list[ReportLine]]:
    """Return the model without its values, and what could not be restored of its training."""
    training = config.pop("compile_config", None)
    spec = checkpoint.spec
    knows_shapes = checkpoint.naming is Naming.ATTRIBUTE and bool(spec.builds)
    with (
        unrun() if knows_shapes else nullcontext(),
        never_again(),
        without_tensorflow(),
        no_vocabulary_files(),
        keras.saving.custom_object_scope(custom),
    ):
        model = _construct(config, dtype)
        if checkpoint.naming is Naming.KERAS_2 and checkpoint.assets:
            # Its only way to be built is a call, which a lookup without its terms does not survive.
            load_assets(checkpoint, model, walk(model))
            build_again(model, config)
        build_layers(model, spec.builds, spec.layers)
        made = restore(model, checkpoint, retyped=dtype is None)
        lines = list(compile_again(model, training)) if training else []
        if checkpoint.naming is Naming.ATTRIBUTE:
            if not lines:
                attach(model, spec, custom)
            build_optimizers(model, spec)
            build_metrics(model, spec.metrics)
            if training and not (spec.builds.keys() | set(spec.frozen)) <= made:
                # Losses and metrics may have layers that were not there before compile().
                build_layers(model, spec.builds, spec.layers)
                restore(model, checkpoint, retyped=dtype is None)
            if checkpoint.of_kind(Kind.METRIC):
                build_lazy_metrics(walk(model), checkpoint.tensors)
        elif model.compiled and model.optimizer is not None:
            model.optimizer.build(model.trainable_variables)
    return model, lines
