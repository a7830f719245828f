"""Layers that learn from data, in a model whose file does not hold what they learned.

A definition (``to_json``) holds none of it, a file of weights no vocabulary. Such a model is of
use: its layers can be adapted, or given their vocabulary, once it is there. Called before, they
fail inside of TensorFlow with words that name no layer, so they are made to refuse first.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

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
        missing = _missing(layer)
        if missing is not None:
            layer.call = partial(_call, layer, path, missing, getattr(layer, missing.attribute))
            yield ReportLine("supplied", f"{path}.{missing.what}", "is not in the file")


class _Missing(NamedTuple):
    """What a layer must learn before its first call.

    Arguments:
        what: What to call it.
        attribute: The attribute of the layer that is another object once it has learned.
        remedy: The methods that teach it.
    """

    what: str
    attribute: str
    remedy: str


_BINS = _Missing("bin_boundaries", "bin_boundaries", "adapt")
_WORDS = _Missing("vocabulary", "lookup_table", "adapt or set_vocabulary")


def _missing(layer: keras.Layer) -> _Missing | None:
    if isinstance(layer, keras.layers.Discretization):
        return _BINS if layer.bin_boundaries is None else None
    if isinstance(layer, (keras.layers.IntegerLookup, keras.layers.StringLookup)):
        masks = layer.mask_token is not None and layer.output_mode == "int"
        return _WORDS if layer.vocabulary_size() == layer.num_oov_indices + masks else None
    return None


def _call(layer: keras.Layer, path: str, missing: _Missing, before: Any, inputs: Any) -> Any:
    """Stand in for the layer's own `call` until it has learned.

    Raises:
        LoadError: It has not.
    """
    if getattr(layer, missing.attribute) is before:
        raise LoadError(
            "a layer cannot work with what its file holds",
            problems=[Problem(path, f"has no {missing.what}; the file has none")],
            remedy=f"Call {missing.remedy} of the layer, or load a file of the whole model.",
        )
    del layer.call
    return layer.call(inputs)
