"""Turn a Checkpoint into a live model: check the names, construct, restore, assign."""

from __future__ import annotations

import tempfile
import warnings
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import keras

from kport.checkpoint import (
    Asset,
    Checkpoint,
    Holds,
    Kind,
    LoadReport,
    Naming,
    Note,
    ReportLine,
    rename_all,
)
from kport.components import resolve
from kport.errors import LoadError, Problem, UnsafeFileError, UsageError, mapped
from kport.model._assign import assign
from kport.model._build_shapes import build_layers
from kport.model._freeze import set_frozen
from kport.model._keras import (
    sharing_scope,
    without_initializers,
    without_tensorflow,
)
from kport.model._keras_paths import keras_owners
from kport.model._layer_order import in_layer_order
from kport.model._match import match
from kport.model._metrics import build_metrics
from kport.model._ties import tie_again
from kport.model._walk import Walk, walk

__all__ = ["build", "load_into", "report_of"]

_TRAINING = (Kind.OPTIMIZER, Kind.METRIC)
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
) -> keras.Model:
    """Return the live model of a Checkpoint, with every value in its place.

    No initializer runs for a variable that the Checkpoint has a value for. `report_of` tells
    afterwards what became of every tensor.

    Arguments:
        checkpoint: What a format read.
        custom_objects: Classes and functions by name, beside the registered ones.
        compile: Whether to restore optimizer, loss and metrics.

    Raises:
        UnsafeFileError: The config names something that is never constructed.
        MissingComponentError: It names components that are not registered.
        MismatchError: Tensors and variables do not agree; the model is not given back.
        LoadError: A constructor failed.
    """
    if checkpoint.holds is Holds.WEIGHTS:
        raise LoadError(
            "holds weights only and not the model they belong to",
            remedy="Build the model from its code and use kport.load_weights(model, path).",
        )
    custom = dict(custom_objects or {})
    config = resolve(checkpoint.spec.config, custom, checkpoint.spec.components)
    training = config.pop("compile_config", None)
    if not compile:
        checkpoint, training = _without_training(checkpoint), None
    scope = keras.saving.custom_object_scope(custom)
    with without_initializers() as pending, without_tensorflow(), scope:
        model = _construct(config)
        build_layers(model, checkpoint.spec.builds)
        tie_again(model, checkpoint.spec.ties)
        lines = list(_prepare(model, checkpoint, training))
        build_metrics(model, checkpoint.spec)
        found = walk(model)
        plan = match(checkpoint, model, found)
        report = assign(plan, strict=checkpoint.holds is not Holds.DEFINITION)
        _load_assets(checkpoint, model, found)
    pending.run_except(plan.filled())
    notes = [ReportLine(note.outcome, note.name, note.detail) for note in checkpoint.notes]  # type: ignore[arg-type]  # a Note has two of the outcomes
    _REPORTS[model] = report.with_lines([*lines, *notes])
    return model


def load_into(
    model: keras.Model,
    checkpoint: Checkpoint,
    *,
    rename: Mapping[str, str] | None = None,
    strict: bool = True,
) -> LoadReport:
    """Put the weights of a Checkpoint into a model that exists; optimizer and seeds stay.

    Arguments:
        model: A built model of the same architecture.
        checkpoint: What a format read.
        rename: Patterns of names in the file -> names in the model.
        strict: Whether a weight without a partner on the other side is an error.

    Raises:
        LoadError: The file holds no weights.
        MismatchError: With every problem; the model is as it was.
        UsageError: A pattern of `rename` matches nothing.
    """
    if checkpoint.holds is Holds.DEFINITION:
        raise LoadError("holds the definition of a model and no weights")
    weights = checkpoint.of_kind(Kind.PARAMETER, Kind.STATE)
    names = rename_all(weights, rename or {})
    weights = {names[old]: tensor.renamed(names[old]) for old, tensor in weights.items()}
    found = walk(model)
    found.variables = {
        name: one
        for name, one in found.variables.items()
        if found.kinds[name] in (Kind.PARAMETER, Kind.STATE)
    }
    only = replace(checkpoint, tensors=weights)
    if only.naming is Naming.POSITION:
        only = in_layer_order(only, model)
    report = assign(match(only, model, found), strict=strict)
    moved = {new: old for old, new in names.items() if new != old}
    lines = [
        ReportLine("renamed", line.name, moved[line.name])
        if line.outcome == "matched" and line.name in moved
        else line
        for line in report.lines
    ]
    rest = (name for name in checkpoint.tensors if name not in names)
    lines += [ReportLine("dropped", name, "is no weight") for name in rest]
    return LoadReport(tuple(lines))


def _construct(config: dict[str, Any]) -> keras.Model:
    with (
        mapped(LoadError, f"the model {config.get('class_name')!r} cannot be constructed"),
        sharing_scope(),
        warnings.catch_warnings(),
    ):
        # Unbuilt parts show up as missing variables, all named, in the error of `assign`.
        warnings.filterwarnings("ignore", message=".* had a build config, but the model cannot")
        warnings.filterwarnings("ignore", message=r"`build\(\)` was called on layer")
        model = keras.saving.deserialize_keras_object(config)
    if not isinstance(model, keras.Model):
        raise LoadError(f"the config describes a {type(model).__name__}, not a model")
    return model


def _prepare(
    model: keras.Model, checkpoint: Checkpoint, training: dict[str, Any] | None
) -> Iterator[ReportLine]:
    """Restore trainable flags and compile, so that the optimizer has the slots it had."""
    spec = checkpoint.spec
    if checkpoint.naming in (Naming.ATTRIBUTE, Naming.WEIGHTS):
        set_frozen(walk(model), set(spec.frozen))
    if not training:
        return
    trained = spec.trained.get("optimizer", ())
    found = walk(model)
    names = found.names()
    if trained and trained != tuple(names.get(id(v), "") for v in model.trainable_variables):
        set_frozen(found, set(found.variables) - set(trained))
        yield from _compile(model, training)
        set_frozen(walk(model), set(spec.frozen))
    else:
        yield from _compile(model, training)


def _compile(model: keras.Model, training: dict[str, Any]) -> Iterator[ReportLine]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with mapped(LoadError, "optimizer, loss or metrics cannot be restored"):
            model.compile_from_config(training)
    for warning in caught:
        if "`compile()` was not called" in str(warning.message):
            # Keras's way of saying that a class overrides compile() and was not compiled for that.
            yield ReportLine("dropped", "compile_config", "the model has a compile() of its own")
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )


def _without_training(checkpoint: Checkpoint) -> Checkpoint:
    kept = {name: one for name, one in checkpoint.tensors.items() if one.kind not in _TRAINING}
    left = [name for name in checkpoint.tensors if name not in kept]
    notes = (*checkpoint.notes, *(Note("dropped", name, "compile=False") for name in left))
    return replace(checkpoint, tensors=kept, notes=notes)


def _load_assets(checkpoint: Checkpoint, model: keras.Model, found: Walk) -> None:
    if not checkpoint.assets:
        return
    by_attribute = {owner.path: owner.thing for owner in found.owners}
    by_keras = {owner.path: owner.thing for owner in keras_owners(model)}
    things = by_attribute if checkpoint.naming is Naming.ATTRIBUTE else by_keras
    files: dict[str, dict[str, Asset]] = {}
    homeless = []
    for name, asset in checkpoint.assets.items():
        owners = [path for path in things if name.startswith(f"{path}/")]
        path = max(owners, key=len, default="")
        if hasattr(things.get(path), "load_assets"):
            files.setdefault(path, {})[name.removeprefix(f"{path}/")] = asset
        else:
            homeless.append(Problem(name, "is in the file; no layer takes it", "unexpected"))
    if homeless:
        raise LoadError("assets of the file have no place in the model", problems=homeless)
    for path, assets in files.items():
        _load_asset_files(things[path], path, assets)


def _load_asset_files(thing: Any, path: str, assets: Mapping[str, Asset]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, asset in assets.items():
            relative = PurePosixPath(name)
            if relative.is_absolute() or ".." in relative.parts:
                raise UnsafeFileError(f"the asset {path}/{name} leaves its folder")
            place = Path(folder, relative)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(asset.read())
        with mapped(LoadError, f"load_assets of {path!r} failed"):
            thing.load_assets(folder)
