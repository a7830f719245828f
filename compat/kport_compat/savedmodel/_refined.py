"""Put into the configs of layers what Keras 2 kept beside them.

Keras 2 leaves the tokens of an adapted lookup layer to a table and the boundaries of an adapted
Discretization to a summary (``keras/layers/preprocessing/`` of Keras 2.12); Keras 3 takes both from
the config. It also asks a Normalization for the size of its axis before any data comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kport.checkpoint import JSON
from kport.errors import CorruptFileError
from kport_compat.keras2 import give_boundaries, wants_boundaries
from kport_compat.savedmodel._constants import Tables, Tokens
from kport_compat.savedmodel._graph import Graph
from kport_compat.savedmodel._names import layers_of
from kport_compat.tensorbundle import Bundle

__all__ = ["Refiner"]

_LOOKUPS = frozenset({"IntegerLookup", "StringLookup", "TextVectorization"})


class Refiner:
    """Completes the config of a model and of the models inside."""

    def __init__(
        self, graph: Graph, keys: Mapping[int, str], bundle: Bundle, tables: Tables
    ) -> None:
        self._graph = graph
        self._keys = keys
        self._bundle = bundle
        self._tables = tables

    def model(self, model: JSON, number: int) -> JSON:
        """Return the config of a Sequential or functional model, completed; others as they are."""
        config = model.get("config")
        layers = config.get("layers") if isinstance(config, dict) else None
        if not isinstance(layers, list) or not all(isinstance(one, dict) for one in layers):
            return model
        nodes = {
            self._graph.metadata(one).get("name"): one for one in layers_of(self._graph, number)
        }
        new = [self._layer(one, nodes.get(_name(one))) for one in layers]
        for at, layer in enumerate(layers):
            node = nodes.get(_name(layer))
            if layer.get("class_name") == "Normalization" and node is not None:
                sizes = _kept_sizes(layer, self._graph.metadata(node).get("build_input_shape"))
                for source in _sources(layers, at, model):
                    new[source] = _with_sizes(new[source], sizes)
        return {**model, "config": {**config, "layers": new}}  # type: ignore[dict-item]  # it has layers

    def _layer(self, layer: JSON, number: int | None) -> JSON:
        config = layer.get("config")
        if number is None or not isinstance(config, dict):
            return layer
        name = layer.get("class_name")
        if "layers" in config:
            return self.model(layer, number)
        if name in _LOOKUPS:
            return {**layer, "config": self._with_vocabulary(config, number)}
        if name == "Discretization":
            return self._with_boundaries(layer, number)
        return layer

    def _with_vocabulary(self, config: JSON, number: int) -> JSON:
        inner = (self._graph.child(number, one) for one in ("_lookup_layer", "_index_lookup_layer"))
        owner = next((one for one in inner if one is not None), number)
        about = self._graph.metadata(owner).get("config")
        if not isinstance(about, dict) or isinstance(config.get("vocabulary"), list):
            return config
        start = _first_token(about)
        tokens = self._tokens(owner, about, start)
        if tokens is None:
            return config
        if sorted(tokens) != list(range(start, start + len(tokens))):
            raise CorruptFileError(
                f"has a table of {config.get('name')!r} whose tokens do not count from {start} on"
            )
        return {**config, "vocabulary": [tokens[one] for one in sorted(tokens)]}

    def _tokens(self, lookup: int, about: JSON, start: int) -> Tokens | None:
        inverted = bool(about.get("invert"))
        table = self._graph.child(lookup, "lookup_table")
        if table is not None:
            return self._tables.tokens(table, inverted)
        table = self._graph.child(lookup, "_table")
        # TensorFlow 2.3 to 2.5, whose integers went to several unknown ones in another way.
        several = about.get("num_oov_indices") != 1 and "encoding" not in about
        counted = None if table is None or several else self._tables.counted(table, inverted)
        return counted and {at: one for at, one in counted.items() if at >= start}

    def _with_boundaries(self, layer: JSON, number: int) -> JSON:
        summary = self._graph.child(number, "summary")
        key = None if summary is None else self._keys.get(summary)
        if key is None or not wants_boundaries(layer):
            return layer
        new = {**layer, "config": dict(layer["config"])}
        give_boundaries(new, self._bundle.array(key))
        return new


def _first_token(about: JSON) -> int:
    mask = about.get("mask_token", about.get("mask_value"))
    masked = mask is not None and about.get("output_mode", "int") == "int"
    return int(about.get("num_oov_indices") or 0) + masked


def _sources(layers: list[JSON], at: int, model: JSON) -> list[int]:
    """Return the layers that say the shape of what a layer is directly called with."""
    inputs = [n for n, one in enumerate(layers) if one.get("class_name") == "InputLayer"]
    if model.get("class_name") == "Sequential":
        return [at] if at == 0 else [0, 1] if at == 1 and inputs == [0] else []
    calls = layers[at].get("inbound_nodes")
    names = {one[0] for one in _tensors(calls)}
    return [n for n in inputs if _name(layers[n]) in names]


def _tensors(found: Any) -> list[list[Any]]:
    if isinstance(found, list) and found and isinstance(found[0], str):
        return [found]
    return [one for part in found for one in _tensors(part)] if isinstance(found, list) else []


def _kept_sizes(layer: JSON, shape: Any) -> list[Any]:
    """Return the shape that a Normalization was built with, all open but the axes it keeps."""
    config = layer.get("config")
    axis = config.get("axis") if isinstance(config, dict) else None
    axes = axis if isinstance(axis, list) else [axis]
    sizes = shape if isinstance(shape, list) else []
    kept = {one % len(sizes) for one in axes if isinstance(one, int) and sizes}
    return [size if at in kept else None for at, size in enumerate(sizes)]


def _with_sizes(layer: JSON, sizes: list[Any]) -> JSON:
    """Fill the sizes that a layer's own input shape leaves open."""
    config = layer.get("config", {})
    key = next((one for one in ("batch_input_shape", "batch_shape") if config.get(one)), None)
    if key is None or len(sizes) != len(config[key]):
        return layer
    filled = [new if old is None else old for old, new in zip(config[key], sizes, strict=True)]
    return {**layer, "config": {**config, key: filled}}


def _name(layer: JSON) -> str:
    config = layer.get("config")
    inner = config.get("name") if isinstance(config, dict) else None
    return str(layer.get("name") or inner or "")
