"""The layer that computes the terms of a Lambda; importing it imports Keras."""

from __future__ import annotations

from typing import Any

import keras

from kport_compat.ops import ADAPTERS

__all__ = ["Expression"]


@keras.saving.register_keras_serializable("kport")
class Expression(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Compute an expression of the inputs, written as data.

    Arguments:
        terms: See `kport_compat.lambdas._terms`.
        text: The same for people.
    """

    def __init__(self, terms: Any, text: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True  # as a Lambda of Keras 2: it takes masks and passes none on
        self.terms = terms
        self.text = text

    def call(self, inputs: Any) -> Any:
        """Return the value of the expression."""
        return _value(self.terms, inputs)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """Pass no mask on."""

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "terms": self.terms, "text": self.text}


def _value(term: Any, inputs: Any) -> Any:
    if not isinstance(term, dict):
        return term
    if "in" in term:
        return inputs
    if "items" in term:
        return [_value(one, inputs) for one in term["items"]]
    if "item" in term:
        return _item(_value(term["item"], inputs), term["at"])
    args = [_value(one, inputs) for one in term["args"]]
    kwargs = {name: _value(one, inputs) for name, one in term["kwargs"].items()}
    return ADAPTERS[term["call"]](*args, **kwargs)


def _item(of: Any, at: Any) -> Any:
    if isinstance(of, list | tuple):
        return of[at]
    spec = at["items"] if isinstance(at, dict) and "items" in at else at
    return ADAPTERS["__operators__.getitem"](of, spec)
