"""Put back what code had changed: plain values, by their paths."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import keras

from kport.checkpoint import JSON, ReportLine, split_name
from kport.components import decode_plain, put_at
from kport.errors import LoadError, Problem, mapped
from kport.model._attributes import may_be_set
from kport.model._walk import Walk

__all__ = ["put_values"]


def put_values(found: Walk, states: Mapping[str, JSON], *, whole: bool = True) -> list[ReportLine]:
    """Set what code had changed on layers; return what is left to the first call of a layer.

    Arguments:
        found: The model.
        states: Path of a layer -> its state in the file.
        whole: Whether the layers have all by now that the file gives them; assets may make objects
            that have places for values. What is not built yet makes its own at a first call.

    Raises:
        LoadError: The code here has no place for some of it; all of that is named.
    """
    left = [
        (layer, ".".join(one for one in (path, name) if one))
        for path, layer in found.layers()
        for name, node in states.get(path or ".", {}).get("attributes", {}).items()
        if not _put(layer, name, node)
    ]
    problems = [
        Problem(one, "is in the file, not in the code") for layer, one in left if layer.built
    ]
    if problems and whole:
        raise LoadError(
            "the code here has no place for what was set in the model after __init__",
            problems=problems,
            remedy="Give the classes these attributes again; or build the model and use "
            "kport.load_weights(model, path).",
        )
    why = "the layer was never called, and its code has no place for it until then"
    return [ReportLine("dropped", place, why) for layer, place in left if whole and not layer.built]


def _put(layer: keras.Layer, name: str, node: Any) -> bool:
    if not may_be_set(layer, split_name(name)[0]):
        return False
    with mapped(LoadError, f"the attribute {name} cannot be set"), suppress(AttributeError):
        return put_at(layer, name, decode_plain(node))
    return False  # it is a property, or its object lets nothing be set
