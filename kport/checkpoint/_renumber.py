"""Count the names that Keras made up anew, so that one model has one config."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kport.checkpoint._marks import mark_of
from kport.checkpoint._names import local_layer_names
from kport.checkpoint._spec import JSON

__all__ = ["renumbered"]

_WAYS = ("forward_", "backward_")  # what Bidirectional puts before the name of its layer
_WIRES = ("inbound_nodes", "input_layers", "output_layers")  # where tensors are named


def renumbered(config: JSON) -> JSON:
    """Return a config in which names that Keras made up are counted anew, model by model.

    Inside a subclassed model they come out of a counter of the process, so the same model would
    have other bytes in another process. Names that a person gave stay. A layer of several models
    has one name, so these are counted as one.
    """
    names = _Names()
    for family in _families(config):
        names.add(family)
    renamed: JSON = names.inside(config)
    return renamed


Layers = list[JSON]  # of one Sequential or functional model


@dataclass(slots=True, eq=False)
class _Family:
    """Models that share layers, and the marks of these."""

    graphs: list[Layers] = field(default_factory=list)
    marks: set[int] = field(default_factory=set)


def _families(config: JSON) -> list[_Family]:
    families: dict[_Family, None] = {}
    owners: dict[int, _Family] = {}
    for layers in _graphs(config):
        family = _Family([layers], set(_marks(layers)))
        for other in {owners[mark]: None for mark in family.marks if mark in owners}:
            family.graphs += other.graphs
            family.marks |= other.marks
            del families[other]
        families[family] = None
        owners |= dict.fromkeys(family.marks, family)
    return list(families)


def _graphs(node: Any) -> Iterator[Layers]:
    if isinstance(node, list):
        for item in node:
            yield from _graphs(item)
    elif isinstance(node, dict):
        if _is_object(node) and _is_graph(node["config"]):
            yield node["config"]["layers"]
        for value in node.values():
            yield from _graphs(value)


def _marks(layers: Layers) -> Iterator[int]:
    for layer in layers:
        if (mark := mark_of(layer)) is not None:
            yield mark


def _is_object(node: Any) -> bool:
    return isinstance(node, dict) and "class_name" in node and isinstance(node.get("config"), dict)


def _is_graph(inner: JSON) -> bool:
    layers = inner.get("layers")
    return isinstance(layers, list) and all(_is_object(one) for one in layers)


class _Names:
    def __init__(self) -> None:
        self.of_graph: dict[int, Mapping[str, str]] = {}
        self.of_mark: dict[int, str] = {}

    def add(self, family: _Family) -> None:
        layers = [layer for graph in family.graphs for layer in graph]
        classes = {_name(layer): str(layer["class_name"]) for layer in layers}
        fresh = local_layer_names([(cls, name) for name, cls in classes.items()])
        renamed = dict(zip(classes, fresh, strict=True))
        self.of_graph |= {id(graph): renamed for graph in family.graphs}
        for layer in layers:
            if (mark := mark_of(layer)) is not None:
                self.of_mark[mark] = renamed[_name(layer)]

    def inside(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self.inside(item) for item in node]
        if not _is_object(node) or not isinstance(name := node["config"].get("name"), str):
            return node
        (local,) = local_layer_names([(node["class_name"], name)])
        for way in _WAYS:
            if name.startswith(way):
                (rest,) = local_layer_names([(node["class_name"], name.removeprefix(way))])
                local = way + rest
        return self.named(node, self.of_mark.get(mark_of(node), local))  # type: ignore[arg-type]  # None is no mark

    def named(self, node: JSON, name: str) -> JSON:
        named = {**node, "config": {**self.config(node["config"]), "name": name}}
        return {**named, "name": name} if "name" in node else named

    def config(self, inner: JSON) -> JSON:
        if not _is_graph(inner):
            return {key: self.inside(one) for key, one in inner.items()}
        renamed = self.of_graph[id(inner["layers"])]
        layers = [
            self.named(_rewired(layer, renamed), renamed[_name(layer)]) for layer in inner["layers"]
        ]
        return {**_rewired(inner, renamed), "layers": layers}


def _name(layer: JSON) -> str:
    return str(layer["config"].get("name"))


def _rewired(node: JSON, renamed: Mapping[str, str]) -> JSON:
    """Rename layers where the graph of a functional model refers to them."""
    return node | {key: _with_references(node[key], renamed) for key in _WIRES if key in node}


def _with_references(node: Any, renamed: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        name, *place = node or [None]
        if isinstance(name, str) and name in renamed and [type(one) for one in place] == [int] * 2:
            return [renamed[name], *place]
        return [_with_references(item, renamed) for item in node]
    if isinstance(node, dict):
        return {key: _with_references(value, renamed) for key, value in node.items()}
    return node
