"""Every private look into what `compile` makes, each with the reason; see _keras.py.

Losses and metrics are made out of a first batch: ``metrics=["accuracy"]`` becomes a class that
depends on the shapes of targets and predictions. Nothing public builds them or tells what they are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import keras

__all__ = [
    "automatic",
    "compile_loss",
    "compile_metrics",
    "exempt_from_decay",
    "losses_of",
    "metrics_by_output",
    "structures_of",
    "uncompiled",
]


def compile_metrics(model: keras.Model) -> Any | None:
    """Return the object that holds the metrics of ``compile``; None where there are none."""
    return getattr(model, "_compile_metrics", None)


def compile_loss(model: keras.Model) -> Any | None:
    """Return the object that holds the losses of ``compile``; None where there are none.

    Reason: with several losses it keeps a running mean of each, which `Model.metrics` leaves out.
    """
    return getattr(model, "_compile_loss", None)


def metrics_by_output(metrics: Any) -> list[list[keras.metrics.Metric]]:
    """Return the metrics of each output, the weighted ones last; `metrics` must be built."""
    pairs = zip_longest(metrics._flat_metrics, metrics._flat_weighted_metrics)
    return [[one for part in pair if part is not None for one in part.metrics] for pair in pairs]


def losses_of(loss: Any) -> list[tuple[str, str]]:
    """Return name and class, or name of the function, of each loss; `loss` must be built."""
    found = []
    for one in loss._flat_losses:
        function = getattr(one.loss, "fn", None)
        found.append((one.name, getattr(function, "__name__", type(one.loss).__name__)))
    return found


def structures_of(loss: Any) -> tuple[Any, Any]:
    """Return the nested structures of targets and predictions, None at every leaf."""
    return loss._y_true_build_structure, loss._y_pred_build_structure


def automatic(model: keras.Model) -> bool:
    """Whether ``jit_compile`` is what "auto" comes to here; on another backend it may differ.

    Reason: Keras keeps what "auto" came to, so a file from JAX would make PyTorch compile.
    """
    return bool(model.jit_compile == model._resolve_auto_jit_compile())


def exempt_from_decay(optimizer: Any, variable: keras.Variable) -> bool:
    """Whether `Optimizer.exclude_from_weight_decay` was called for a variable, or for its name.

    Reason: nothing public says so.
    """
    pattern = getattr(optimizer, "_exclude_from_weight_decay_pattern", None)
    if pattern is not None and pattern.search(variable.name):
        return True
    keys = getattr(optimizer, "_exclude_from_weight_decay", ())
    return bool(keys) and optimizer._var_key(variable) in keys


@contextlib.contextmanager
def uncompiled(model: Any) -> Iterator[None]:
    """Let models be as if they were never compiled.

    Reason: what `compile` was given may be nothing that can be serialized, and be of no interest.
    """
    models = [one for one in model._flatten_layers() if isinstance(one, keras.Model)]
    models = [one for one in models if one.compiled]
    for one in models:
        one.compiled = False
    try:
        yield
    finally:
        for one in models:
            one.compiled = True
