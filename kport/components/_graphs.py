"""Registered classes whose models are made as ``Own(inputs, outputs)``: their config is the graph.

Keras makes them again where their constructor takes what that of `keras.Model` does, or
``*args, **kwargs``.
"""

from __future__ import annotations

from typing import Any

from kport.components._arguments import Arguments
from kport.components._values import decode

__all__ = ["GRAPH", "from_graph", "is_given_a_graph", "rest_of"]

GRAPH = frozenset({"layers", "input_layers", "output_layers"})
"""The keys of such a config (`keras.Model.from_config`)."""


def is_given_a_graph(thing: Any, arguments: Arguments) -> bool:
    """Whether an object is the model from its constructor's first tensors to the others.

    A constructor that goes on from its outputs makes another.
    """
    given = _tensors([list(arguments.positional), dict(arguments.named)])
    here = [*(getattr(thing, "inputs", None) or ()), *(getattr(thing, "outputs", None) or ())]
    return bool(given) and list(map(id, given)) == list(map(id, here))


def rest_of(arguments: Arguments) -> dict[str, Any]:
    """Return the named arguments that are no tensors of the graph."""
    return {name: one for name, one in arguments.named.items() if not _tensors(one)}


def _tensors(node: Any) -> list[Any]:
    import keras

    return [one for one in keras.tree.flatten(node) if isinstance(one, keras.KerasTensor)]


def from_graph(cls: Any, config: dict[str, Any]) -> Any:
    """Make such a model of its config."""
    import keras

    values = {name: one if name in GRAPH else decode(one) for name, one in config.items()}
    return keras.Model.from_config.__func__(cls, values)
