"""Put the weights of a Checkpoint into a live model that exists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import keras

from kport.checkpoint import (
    FLOATS,
    Checkpoint,
    Holds,
    LoadReport,
    Naming,
    ReportLine,
    rename_all,
)
from kport.errors import LoadError, Problem, UsageError
from kport.model._assign import assign
from kport.model._drift import refuse_drift
from kport.model._layer_order import in_layer_order
from kport.model._load_optimizer import place_optimizer
from kport.model._match import match
from kport.model._plan import WEIGHTS, Plan
from kport.model._unlearned import mark_unlearned
from kport.model._walk import Walk, walk

__all__ = ["load_into"]


def load_into(
    model: keras.Model,
    checkpoint: Checkpoint,
    *,
    rename: Mapping[str, str] | None = None,
    strict: bool = True,
    dtype: str | None = None,
    optimizer: bool = True,
) -> LoadReport:
    """Put the weights of a Checkpoint into a model that exists; seeds and metrics stay.

    Arguments:
        model: A built model of the same architecture.
        checkpoint: What a format read.
        rename: Patterns of names in the file -> names in the model.
        strict: Whether a weight without a partner on the other side is an error.
        dtype: A floating-point dtype; values are converted for the variables that have it.
        optimizer: Whether the state of its optimizer goes along where it fits.

    Raises:
        LoadError: The file holds no weights, the model is not built, or the file is older
            than a function that the model uses.
        MismatchError: With every problem; the model is as it was.
        UsageError: A pattern of `rename` matches nothing, or `dtype` is no floating-point dtype.
    """
    _require_floats(dtype)
    if checkpoint.holds is Holds.DEFINITION:
        raise LoadError("holds the definition of a model and no weights")
    only, names = _renamed(checkpoint, rename or {})
    if only.naming is Naming.POSITION:
        only = in_layer_order(only, model)
    found = _weights_of(model)
    plan = match(only, model, found)
    refuse_drift(checkpoint, found, plan)
    if strict:
        _require_built(found, plan)
    if dtype is not None:
        plan.pairs = [pair.rounded(dtype) for pair in plan.pairs]
    if optimizer:
        place_optimizer(plan, checkpoint, model, names)
    placed = {id(pair.tensor.source) for pair in plan.pairs}
    report = assign(plan, strict=strict)
    lines = list(_with_old_names(report, plan, names))
    for name, tensor in checkpoint.tensors.items():
        if name not in names and id(tensor.source) not in placed:
            lines.append(ReportLine("dropped", name, "is no weight"))
    return LoadReport((*lines, *checkpoint.notes, *mark_unlearned(found)))


def _renamed(
    checkpoint: Checkpoint, rename: Mapping[str, str]
) -> tuple[Checkpoint, dict[str, str]]:
    """Return the weights of a Checkpoint under other names, and old name -> new name of all."""
    weights = checkpoint.of_kind(*WEIGHTS)
    keras_names = checkpoint.naming in (Naming.KERAS, Naming.KERAS_2)
    names = rename_all(weights, rename, "/" if keras_names else ".")
    weights = {names[old]: tensor.renamed(names[old]) for old, tensor in weights.items()}
    if keras_names:  # by which they are found
        weights = {name: replace(one, keras_path=name) for name, one in weights.items()}
    return replace(checkpoint, tensors=weights), names


def _require_floats(dtype: str | None) -> None:
    if dtype is not None and (not isinstance(dtype, str) or dtype not in FLOATS):
        known = ", ".join(sorted(FLOATS))
        raise UsageError(f"dtype: expected a floating-point dtype, got {dtype!r}", remedy=known)


def _require_built(found: Walk, plan: Plan) -> None:
    """Refuse values for layers that have no variables yet: they come with the first call."""
    left = any(problem.kind == "unexpected" for problem in plan.problems)
    waiting = [one.name for _, one in found.layers() if left and not one.built]
    if waiting:
        raise LoadError(
            "holds weights of layers that have no variables here yet",
            problems=[Problem(name, "is not built") for name in waiting],
            remedy="Call the model once on a batch, then load its weights.",
        )


def _weights_of(model: keras.Model) -> Walk:
    found = walk(model)
    found.variables = {
        name: one for name, one in found.variables.items() if found.kinds[name] in WEIGHTS
    }
    return found


def _with_old_names(
    report: LoadReport, plan: Plan, names: Mapping[str, str]
) -> Iterator[ReportLine]:
    moved = {new: old for old, new in names.items() if new != old}
    moved |= {one.name: moved[one.tensor.name] for one in plan.pairs if one.tensor.name in moved}
    for line in report.lines:
        renamed = line.outcome == "matched" and line.name in moved
        yield ReportLine("renamed", line.name, moved[line.name]) if renamed else line
