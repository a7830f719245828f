"""What layers learned from data and Keras 2 keeps beside the config, put into the config.

Keras 3 has no place for it elsewhere: its Discretization keeps boundaries in its config, and the
size of a vocabulary has to be known where the layers behind it are built.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kport.checkpoint import JSON
from kport.errors import CorruptFileError

__all__ = ["give_boundaries", "give_vocabulary", "wants_boundaries", "wants_vocabulary"]

_MOST_BINS = 1_000_000  # so that a file cannot ask for an array of any size
_LOOKUPS = frozenset({"IntegerLookup", "StringLookup", "TextVectorization"})


def wants_boundaries(layer: JSON) -> bool:
    """Say whether it is a Discretization whose boundaries are told by what it has seen."""
    config = layer.get("config")
    is_one = layer.get("class_name") == "Discretization" and isinstance(config, dict)
    return is_one and not config.get("bin_boundaries")  # type: ignore[union-attr]  # checked


def give_boundaries(layer: JSON, summary: Any) -> None:
    """Put the boundaries into the config of a Discretization.

    Arguments:
        layer: See `wants_boundaries`; changed.
        summary: float32[2, values]: values and how often each was met, as adapt() keeps them.

    Raises:
        CorruptFileError: The summary is none.
    """
    config = layer["config"]
    count = config.get("num_bins")
    bins = isinstance(count, int) and 0 < count <= _MOST_BINS
    if summary.ndim != 2 or summary.shape[0] != 2 or not bins:
        raise CorruptFileError(
            f"holds a summary of shape {list(summary.shape)} for {config.get('name')!r}, "
            f"expected [2, values], and num_bins {count!r}"
        )
    if not summary.shape[1]:
        return  # it was never adapted
    config["bin_boundaries"] = _compressed(summary, 1.0 / count)[:-1].tolist()
    config.pop("num_bins", None)
    config.pop("epsilon", None)


def _compressed(summary: Any, epsilon: float) -> Any:
    # keras/layers/preprocessing/discretization.py of Keras 2.12, `compress_summary`.
    if summary.shape[1] * epsilon < 1:
        return summary[0]
    percents = epsilon + np.arange(0.0, 1.0, epsilon)
    weights = summary[1].cumsum()
    return np.interp(percents, weights / weights[-1], summary[0]).astype("float32")


def wants_vocabulary(layer: JSON) -> bool:
    """Say whether it is a lookup whose vocabulary is not in its config."""
    config = layer.get("config")
    is_one = layer.get("class_name") in _LOOKUPS and isinstance(config, dict)
    return is_one and not config.get("vocabulary")  # type: ignore[union-attr]  # checked


def give_vocabulary(layer: JSON, text: str) -> None:
    """Put the vocabulary, one word a line, into the config of a lookup."""
    words: list[Any] = text.split("\n")
    if layer["class_name"] == "IntegerLookup":
        try:
            words = [int(word) for word in words]
        except ValueError:
            raise CorruptFileError("holds a vocabulary of integers with other words") from None
    layer["config"]["vocabulary"] = words
