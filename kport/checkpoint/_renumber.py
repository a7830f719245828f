"""Count the names that Keras made up anew, so that one model has one config."""

from __future__ import annotations

from typing import Any

from kport.checkpoint._names import local_layer_names
from kport.checkpoint._spec import JSON

__all__ = ["renumbered"]


def renumbered(config: JSON) -> JSON:
    """Return a config in which names that Keras made up are counted anew, model by model.

    Inside a subclassed model they come out of a counter of the process, so the same model would
    have other bytes in another process. Names that a person gave stay.
    """
    return _renumber_inside(config)  # type: ignore[no-any-return]  # an object stays one


def _renumber(config: JSON) -> JSON:
    inner = config["config"]
    layers = inner.get("layers")
    if not isinstance(layers, list):
        return {**config, "config": {key: _renumber_inside(one) for key, one in inner.items()}}
    names = [str(layer["config"].get("name")) for layer in layers]
    classes = {name: layer["class_name"] for layer, name in zip(layers, names, strict=True)}
    fresh = local_layer_names([(cls, name) for name, cls in classes.items()])
    renamed = dict(zip(classes, fresh, strict=True))
    inner = _with_references(inner, renamed)
    inner["layers"] = [
        _named(_renumber(layer), renamed[name])
        for layer, name in zip(inner["layers"], names, strict=True)
    ]
    return {**config, "config": inner}


def _renumber_inside(node: Any) -> Any:
    if isinstance(node, list):
        return [_renumber_inside(item) for item in node]
    if not isinstance(node, dict) or not isinstance(node.get("config"), dict):
        return node
    name = node["config"].get("name")
    if "class_name" not in node or not isinstance(name, str):
        return node
    (name,) = local_layer_names([(node["class_name"], name)])
    return _named(_renumber(node), name)


def _named(node: JSON, name: str) -> JSON:
    named = {**node, "config": {**node["config"], "name": name}}
    return {**named, "name": name} if "name" in node else named


def _with_references(node: Any, renamed: dict[str, str]) -> Any:
    """Rename layers where the graph of a functional model refers to them: [name, node, tensor]."""
    if isinstance(node, list):
        name, *place = node or [None]
        if isinstance(name, str) and name in renamed and [type(one) for one in place] == [int] * 2:
            return [renamed[name], *place]
        return [_with_references(item, renamed) for item in node]
    if isinstance(node, dict):
        return {key: _with_references(value, renamed) for key, value in node.items()}
    return node
