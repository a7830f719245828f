"""The layers that the code of a user's class made, each with its config.

The config of a model ends at such a class; the metadata of Keras has every layer inside as well.
"""

from __future__ import annotations

from collections.abc import Iterator

from kport.checkpoint import JSON
from kport_compat.keras2 import module_of, translate_layer
from kport_compat.savedmodel._graph import Graph
from kport_compat.savedmodel._names import Names, layers_of, model_config

__all__ = ["made_by_code"]


def made_by_code(graph: Graph, names: Names) -> Iterator[tuple[str, JSON]]:
    """Yield path and translated config of Keras's own layers inside of other classes."""
    numbers = {path: number for number, path in names.layers.items()}
    told = _told(graph)
    for path, number in numbers.items():
        if number in told or not path or not _is_keras(graph, number):
            continue
        parent = path
        while parent:
            parent = parent.rpartition(".")[0]
            if parent in numbers and not layers_of(graph, numbers[parent]):
                break
        if not _is_keras(graph, numbers[parent]):
            config = translate_layer(model_config(graph.metadata(number)))
            if config is not None:
                yield path, config


def _told(graph: Graph) -> set[int]:
    """Return the layers that the config of the model itself tells."""
    told: set[int] = set()
    waiting = [0]
    while waiting:
        fresh = set(layers_of(graph, waiting.pop())) - told
        told |= fresh
        waiting += fresh
    return told


def _is_keras(graph: Graph, number: int) -> bool:
    name = str(graph.metadata(number).get("class_name", ""))
    return module_of(name, "layers") is not None and name != "InputLayer"
