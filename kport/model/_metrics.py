"""Make the losses and metrics of ``compile`` before a first batch, so that their sums have a place.

Keras makes them when it sees the first targets and predictions. It looks at their structure and
last dimensions alone; the file knows the structure and what came of the dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import keras

from kport.checkpoint import JSON, Kind, LazyTensor, without_prefix
from kport.components import COMPONENTS
from kport.errors import LoadError, mapped
from kport.model._keras import is_graph
from kport.model._keras_trainer import (
    compile_loss,
    compile_metrics,
    losses_of,
    metrics_by_output,
    structures_of,
)
from kport.model._layer_edges import is_given
from kport.model._walk import Walk, walk

__all__ = ["build_lazy_metrics", "build_metrics", "metric_states"]

# What Keras tells apart by the last dimensions of (targets, predictions).
_SIZES = {"binary": (1, 1), "sparse": (1, 2), "dense": (2, 2)}


def metric_states(found: Walk) -> JSON:
    """Return what became of the losses and metrics of ``compile``; see `ModelSpec.metrics`."""
    models = {path: one for path, one in found.layers() if isinstance(one, keras.Model)}
    states = {path: state for path, one in models.items() if (state := _state(one))}
    whole = states.pop("", {})
    return {**whole, "parts": states} if states else whole


def _state(model: keras.Model) -> JSON:
    """Return it for one model; it is empty before the first batch."""
    state: JSON = {}
    loss, metrics = compile_loss(model), compile_metrics(model)
    if loss is not None and loss.built:
        targets, predictions = (_plain(one) for one in structures_of(loss))
        state |= {"losses": [list(one) for one in losses_of(loss)]}
        state |= {"predictions": predictions, "targets": targets}
    if metrics is not None and metrics.built:
        classes = [[type(one).__name__ for one in row] for row in metrics_by_output(metrics)]
        state |= {"metrics": classes}
    return state


def _plain(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {str(name): _plain(child) for name, child in node.items()}
    return [_plain(child) for child in node] if isinstance(node, (list, tuple)) else None


def build_metrics(model: keras.Model, states: JSON) -> None:
    """Make losses and metrics of a compiled model, and of models inside of it, as they were.

    Raises:
        LoadError: Others came of it.
    """
    whole = {key: one for key, one in states.items() if key != "parts"}
    parts = states.get("parts", {})
    inner = dict(walk(model).layers()) if parts else {}
    for one, state in ((model, whole), *((inner.get(path), row) for path, row in parts.items())):
        if isinstance(one, keras.Model):
            _build(one, state)


def _build(model: keras.Model, state: JSON) -> None:
    loss, metrics = compile_loss(model), compile_metrics(model)
    if not state or (loss is None and metrics is None):
        return
    targets, predictions = _symbols(model, state)
    with mapped(LoadError, "losses and metrics cannot be made as they were"):
        if "losses" in state and loss is not None and not loss.built:
            loss.build(targets, predictions)
        if "metrics" in state and metrics is not None and not metrics.built:
            metrics.build(targets, predictions)
    made = _state(model)
    if "losses" in made:
        made["losses"] = _as_numbered(made["losses"], state.get("losses", []), model)
    for part in ("losses", "metrics"):
        if part in made and not _are_same(made[part], state.get(part)):
            raise LoadError(
                f"{part} of compile() were {state[part]}, and now came to {made[part]}",
                remedy="Was the code changed? compile=False loads the model without its training.",
            )


def _are_same(made: Any, stored: Any) -> bool:
    """Whether rows of names are the same, but for classes that were renamed since."""
    if not isinstance(made, list) or not isinstance(stored, list):
        return made == stored or made in COMPONENTS.classes_once(str(stored))
    return len(made) == len(stored) and all(map(_are_same, made, stored))


def _as_numbered(made: list[list[str]], stored: list[list[str]], model: keras.Model) -> Any:
    """Return what was made, by the numbers of the file where Keras numbered the outputs."""
    if not is_graph(model) or len(made) != len(stored):
        return made
    numbered = {layer.name for layer in model.layers if not is_given(layer)}

    def short(name: str, counted: bool) -> str:
        stem, _, number = name.rpartition("_")
        name = stem if counted and number.isdecimal() else name
        return without_prefix(name, type(model).__name__)

    return [
        [theirs if short(ours, ours in numbered) == short(theirs, ours in numbered) else ours, kind]
        for (ours, kind), (theirs, _) in zip(made, stored, strict=True)
    ]


def _symbols(model: keras.Model, state: JSON) -> tuple[Any, Any]:
    """Targets and predictions of which Keras makes the same losses and metrics again."""
    count = len(state.get("metrics", ())) or len(_leaves(state.get("predictions")))
    nothing = [None] * count if count > 1 else None
    kinds = iter([_kind(state, index) for index in range(count)])
    names = iter([name for name, _ in state.get("losses", ())] + [""] * count)
    sizes: list[int] = []

    def prediction(_: Any) -> Any:
        target, size = _SIZES[next(kinds)]
        sizes.append(target)
        return keras.KerasTensor((None, size), name=next(names) or None)

    predictions = _map(prediction, state.get("predictions", nothing))
    rest = iter(sizes)
    targets = _map(
        lambda _: keras.KerasTensor((None, next(rest, 2))), state.get("targets", nothing)
    )
    return targets, predictions


def _map(function: Any, node: Any) -> Any:
    # In the order of keras.tree, which sorts the keys of a dict.
    if isinstance(node, Mapping):
        made = {name: _map(function, node[name]) for name in sorted(node)}
        return {name: made[name] for name in node}
    return [_map(function, child) for child in node] if isinstance(node, list) else function(node)


def _leaves(node: Any) -> list[None]:
    found: list[None] = []
    _map(found.append, node)
    return found


def _kind(state: JSON, index: int) -> str:
    """Which of Keras's three cases an output was, by what came of it."""
    rows, losses = state.get("metrics", ()), state.get("losses", ())
    names = list(rows[index]) if index < len(rows) else []
    names += [losses[index][1]] if index < len(losses) else []
    starts = {str(name)[:6].lower() for name in names}
    return "sparse" if "sparse" in starts else "binary" if "binary" in starts else "dense"


def build_lazy_metrics(found: Walk, tensors: Mapping[str, LazyTensor]) -> bool:
    """Let metrics make the variables that they make at a first update; say whether any did.

    Keras's F1Score, R2Score and AUC over labels do so; their size is the last one of their sums.
    """
    waiting = dict(_without_place(found, tensors))
    for metric, size in waiting.values():
        zeros = keras.ops.zeros((1, size))
        with mapped(LoadError, f"the metric {metric.name!r} cannot be made as it was"):
            metric.update_state(zeros, zeros)
    return bool(waiting)


def _without_place(
    found: Walk, tensors: Mapping[str, LazyTensor]
) -> Iterator[tuple[int, tuple[keras.metrics.Metric, int]]]:
    metrics = {
        owner.path: owner.thing
        for owner in found.owners
        if isinstance(owner.thing, keras.metrics.Metric)
    }
    for name, tensor in tensors.items():
        if tensor.kind is Kind.METRIC and name not in found.variables and tensor.shape:
            metric = metrics.get(name.rpartition(".")[0])
            if metric is not None:
                yield id(metric), (metric, tensor.shape[-1])
