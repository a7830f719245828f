"""A class or function to start from, for one that a file names and nobody registered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from keyword import iskeyword
from typing import Any

from kport.checkpoint import Kind, LazyTensor

__all__ = ["skeleton", "told"]

JSON = dict[str, Any]

_MAX_CONFIG = 4_000  # characters
_MAX_WEIGHTS = 20
_BASES = {
    "initializer": ("keras.initializers.Initializer", "__call__(self, shape, dtype=None)"),
    "regularizer": ("keras.regularizers.Regularizer", "__call__(self, x)"),
    "constraint": ("keras.constraints.Constraint", "__call__(self, w)"),
    "loss": ("keras.losses.Loss", "call(self, y_true, y_pred)"),
    "model": ("keras.Model", "call(self, inputs)"),
    "learning_rate": ("keras.optimizers.schedules.LearningRateSchedule", "__call__(self, step)"),
}
_OF_ANY_LAYER = frozenset({"name", "dtype", "trainable", "batch_input_shape", "batch_shape"})
_MODEL = frozenset({"layers", "input_layers", "output_layers"})


def told(node: JSON) -> str:
    """Return the whole config of an object, cut where no person reads on."""
    text = json.dumps(node["config"])
    return text if len(text) <= _MAX_CONFIG else f"{text[:_MAX_CONFIG]}..."


def skeleton(node: JSON, name: str, slot: str, tensors: Iterable[LazyTensor]) -> str:
    """Return code to paste, with the arguments and weights that the file knows; empty if none fits.

    Arguments:
        node: The serialized object.
        name: What the file calls it: ``package>Name`` or ``Name``.
        slot: The key it stands under, or its last word.
        tensors: What the file holds.

    Example:
        >>> print(skeleton(node, "acme>Scale", "layers", ()))
        @kport.register("acme")
        class Scale(keras.layers.Layer):
            ...
    """
    package, _, local = name.rpartition(">")
    if not _is_name(local):
        return ""
    place = json.dumps(package) if package else f'"my_package", aliases=["{local}"]'
    head = f"@kport.register({place})"
    if node["class_name"] == "function":
        return f"{head}\ndef {local}(x):\n    ..."
    config = node["config"] if isinstance(node["config"], dict) else {}
    base, method = _BASES.get(slot, ("keras.layers.Layer", "call(self, inputs)"))
    base = "keras.Model" if config.keys() >= _MODEL else base
    arguments = [key for key in config if key not in _OF_ANY_LAYER and _is_name(key)]
    lines = [head, f"class {local}({base}):", *_constructor(config, arguments)]
    if base == "keras.layers.Layer":
        lines += _build(_weights(config.get("name"), local, tensors))
    return "\n".join([*lines, "", f"    def {method}:", "        ..."])


def _is_name(word: str) -> bool:
    return word.isidentifier() and not iskeyword(word)


def _constructor(config: JSON, arguments: list[str]) -> Iterator[str]:
    given = [f"{key}={_default(config[key])}" for key in arguments]
    yield f"    def __init__({', '.join(['self', *given, '**kwargs'])}):"
    yield "        super().__init__(**kwargs)"
    for key in arguments:
        yield f"        self.{key} = {key}"


def _default(value: Any) -> str:
    return repr(value) if isinstance(value, str | int | float | None) else "None"


def _build(weights: list[LazyTensor]) -> Iterator[str]:
    if not weights:
        return
    yield ""
    yield "    def build(self, input_shape):"
    for place, one in enumerate(weights[:_MAX_WEIGHTS]):
        last = re.split(r"[./]", one.name)[-1]
        name = last if _is_name(last) else f"weight_{place}"
        trainable = ", trainable=False" if one.kind is Kind.STATE else ""
        shape = f"shape={one.shape}, name={name!r}, dtype={one.dtype!r}{trainable}"
        yield f"        self.{name} = self.add_weight({shape})"


def _weights(name: Any, cls: str, tensors: Iterable[LazyTensor]) -> list[LazyTensor]:
    """Return the layer's own tensors: by its place, its name, or Keras's name for its class."""
    kinds = (Kind.PARAMETER, Kind.STATE)
    every = [one for one in tensors if one.kind in kinds]
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls).lower()
    for word in (name, snake):
        found = [
            one
            for one in every
            if (one.position.layer == word if one.position else word in re.split(r"[./]", one.name))
        ]
        if found:
            return found
    return []
