"""Make the metrics of ``compile`` before a first batch, so that their running sums have a place.

Keras turns ``metrics=["accuracy"]`` into metric objects when it sees the first targets and
predictions. It looks at their shapes alone, and the file knows what classes came of it.
"""

from __future__ import annotations

import contextlib
from typing import Any

import keras

from kport.checkpoint import ModelSpec
from kport.model._keras import compile_metrics, is_graph

__all__ = ["build_metrics", "metric_classes"]


def metric_classes(model: keras.Model) -> tuple[str, ...]:
    """Return the class names of the metrics that exist; empty before the first batch."""
    metrics = compile_metrics(model)
    if metrics is None or not metrics.built:
        return ()
    return tuple(type(one).__name__ for one in metrics.metrics)


def build_metrics(model: keras.Model, spec: ModelSpec) -> None:
    """Make the metrics of a compiled model where its file has sums for them.

    Where the predictions' shapes cannot be told, nothing is made, and the sums show up in the
    report as dropped.
    """
    metrics = compile_metrics(model)
    if not spec.metrics or metrics is None or metrics.built:
        return
    predictions = _predictions(model, spec.signature)
    if predictions is not None:
        sparse = any(name.startswith("Sparse") for name in spec.metrics)
        targets = keras.tree.map_structure(_class_index, predictions) if sparse else predictions
        metrics.build(targets, predictions)


def _predictions(model: keras.Model, signature: Any) -> Any:
    if isinstance(model, keras.Sequential):
        return model.outputs[0]
    if is_graph(model):
        return model.output
    with contextlib.suppress(Exception):  # the model's own code can raise anything on symbols
        return model.compute_output_spec(_symbolic(signature))
    return None


def _symbolic(node: Any) -> Any:
    if isinstance(node, list):
        return [_symbolic(child) for child in node]
    if isinstance(node.get("dtype"), str) and isinstance(node.get("shape"), list):
        return keras.KerasTensor(tuple(node["shape"]), node["dtype"])
    return {name: _symbolic(child) for name, child in node.items()}


def _class_index(prediction: Any) -> Any:
    """What a target looks like where a class is told by its number."""
    return keras.KerasTensor((*prediction.shape[:-1], 1), "int32")
