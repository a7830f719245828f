"""A model config of Keras 1 made into one of Keras 2, as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kport.checkpoint import JSON, Note
from kport.errors import Problem
from kport_compat.keras1._graphs import without_branches
from kport_compat.keras1._layers import Context, layer
from kport_compat.keras1._words import MARKS

__all__ = ["Spoken", "modern", "speaks_keras_1"]


@dataclass(frozen=True, slots=True)
class Spoken:
    """A config in Keras 2's words, and what is to be told of it."""

    config: Any
    notes: tuple[Note, ...] = field(default=())
    problems: tuple[Problem, ...] = field(default=())


def speaks_keras_1(config: Any) -> bool:
    """Say whether a config has words that Keras 1 alone has used.

    Example:
        >>> speaks_keras_1([{"class_name": "Dense", "config": {"init": "uniform"}}])
        True
    """
    return any(
        isinstance(node.get("config"), dict)
        and (MARKS & node["config"].keys() or node.get("class_name") == "Merge")
        for node in _objects(config)
    )


def modern(config: Any, shapes: Mapping[str, tuple[int, ...]]) -> Spoken:
    """Return the config in Keras 2's words.

    Arguments:
        config: ``model_config``; it is not changed.
        shapes: Name of a weight in the file -> its shape. TensorFlow ends the names by ``:0`` and
            Theano, whose ``same`` pads at other places, does not.
    """
    plain = {name.partition(":")[0]: shape for name, shape in shapes.items()}
    context = Context(_orders(config), any(":" not in name for name in shapes), plain)
    new = _model(config, context)
    return Spoken(new, tuple(context.notes), tuple(context.problems))


def _model(node: Any, context: Context) -> Any:
    if isinstance(node, list):
        return _model({"class_name": "Sequential", "config": node}, context)
    if not isinstance(node, dict) or "class_name" not in node:
        return node
    node = without_branches(node, context)
    config = node.get("config", {})
    if isinstance(config, list):
        return {**node, "config": [_model(one, context) for one in config]}
    if isinstance(config, dict) and isinstance(config.get("layers"), list):
        layers = [_model(one, context) for one in config["layers"]]
        return {**node, "config": {**config, "layers": layers}}
    return layer(node, context)


def _objects(config: Any) -> Iterator[JSON]:
    stack = [config]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def _orders(config: Any) -> frozenset[str]:
    found = (node.get("dim_ordering") for node in _objects(config))
    return frozenset(one for one in found if isinstance(one, str))
