"""Layers that learn from data, in a model whose file does not hold what they learned.

A definition (``to_json``) holds none of it, a file of weights no vocabulary. Such a model is of
use: its layers can be adapted, or given their vocabulary, once it is there. Called before, they
fail inside of TensorFlow with words that name no layer, so they are made to refuse first.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import keras

from kport.checkpoint import ReportLine
from kport.errors import LoadError, Problem
from kport.model._walk import Walk

__all__ = ["mark_unlearned"]


def mark_unlearned(found: Walk) -> Iterator[ReportLine]:
    """Yield what each layer has not learned, and let it say so when it is called.

    Hashing learns nothing; Normalization keeps what it learned in variables, which every report
    tells of.
    """
    for path, layer in found.layers():
        if what := _lacking(layer):
            layer.call = partial(_call, layer, path)
            yield ReportLine("supplied", f"{path}.{what}", "is not in the file; adapt the layer")


def _lacking(layer: keras.Layer) -> str:
    """Return the name of what a layer must learn before its first call; empty if it has it."""
    if isinstance(layer, keras.layers.Discretization):
        return "bin_boundaries" if layer.bin_boundaries is None else ""
    if isinstance(layer, (keras.layers.IntegerLookup, keras.layers.StringLookup)):
        masks = layer.mask_token is not None and layer.output_mode == "int"
        return "vocabulary" if layer.vocabulary_size() == layer.num_oov_indices + masks else ""
    return ""


def _call(layer: keras.Layer, path: str, inputs: Any) -> Any:
    """Stand in for the layer's own `call` until it has learned.

    Raises:
        LoadError: It has not.
    """
    if what := _lacking(layer):
        setter = "adapt" if what == "bin_boundaries" else "adapt or set_vocabulary"
        raise LoadError(
            "a layer cannot work with what its file holds",
            problems=[Problem(path, f"has no {what}; the file has none")],
            remedy=f"Call {setter} of the layer, or load a file that holds the whole model.",
        )
    del layer.call
    return layer.call(inputs)
