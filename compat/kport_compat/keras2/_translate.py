"""Translate a whole model: config, training config and the layer names that had to change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kport.checkpoint import JSON, Note
from kport.errors import InvalidSpecError
from kport_compat.keras1 import Spoken, modern, speaks_keras_1
from kport_compat.keras2._log import MODERN, Log, facts_of
from kport_compat.keras2._models import layer_or_model, model, renamed
from kport_compat.keras2._objects import is_object
from kport_compat.keras2._optimizers import updates_rows_lazily
from kport_compat.keras2._training import compile_config

__all__ = ["Translation", "translate", "translate_layer"]


@dataclass(frozen=True, slots=True)
class Translation:
    """A Keras 2 model in Keras 3's words.

    Arguments:
        config: What `keras.saving.deserialize_keras_object` takes, ``compile_config`` included.
        layer_names: Name of a top-level layer in the file -> its new name, where they differ.
        notes: What was changed in meaning or left out.
        gone: Names of weights that Keras 3's layers do not have.
    """

    config: JSON
    layer_names: Mapping[str, str]
    notes: tuple[Note, ...]
    gone: frozenset[str] = frozenset()

    @property
    def optimizer(self) -> JSON | None:
        """The config of the optimizer, None when the model is not compiled."""
        compiled: JSON = self.config.get("compile_config") or {}
        return compiled.get("optimizer")


def translate(
    config: Any,
    training: Any = None,
    *,
    version: tuple[int, int] = MODERN,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> Translation:
    """Translate a model.

    Arguments:
        config: The JSON of ``model_config``; it is not changed.
        training: The JSON of ``training_config``.
        version: Major and minor version of the Keras that wrote it.
        shapes: Name of a weight in the file -> its shape; configs of Keras 1 leave out what these
            tell.

    Raises:
        InvalidSpecError: It is no model, or asks for what Keras 3 cannot do; all problems.

    Example:
        >>> layers = [{"class_name": "Dense", "config": {"batch_input_shape": [None, 2]}}]
        >>> translate({"class_name": "Sequential", "config": layers}).config["module"]
        'keras'
    """
    spoken = Spoken(config)
    if speaks_keras_1(config):
        version, spoken = (1, 0), modern(config, shapes or {})
    config = spoken.config
    facts = facts_of(config)
    notes, problems = list(spoken.notes), list(spoken.problems)
    log = Log(layer_or_model, version, facts, notes, problems)
    new = model(config, log)
    compiled = compile_config(training, log)
    if log.problems:
        raise InvalidSpecError(
            f"the Keras {version[0]} config cannot be translated to Keras 3",
            problems=log.problems,
            remedy="Load it with the Keras that wrote it, change these settings and save it again.",
        )
    if compiled is not None:
        new["compile_config"] = compiled
        _say_lazy(new, training["optimizer_config"], log)
    names = renamed(_top_layers(config))
    return Translation(new, names, tuple(log.notes), frozenset(log.gone))


def translate_layer(node: JSON, *, version: tuple[int, int] = MODERN) -> JSON | None:
    """Return one layer in Keras 3's form; None where Keras 3 cannot do what it did.

    Example:
        >>> translate_layer({"class_name": "ReLU", "config": {"max_value": 6.0}})["module"]
        'keras.layers'
    """
    log = Log(layer_or_model, version)
    new = layer_or_model(node, log) if is_object(node) else {}
    return new if new and not log.problems else None


def _say_lazy(new: JSON, optimizer: JSON, log: Log) -> None:
    """Note where an optimizer now steps for rows of an embedding that a batch does not use."""
    if not updates_rows_lazily(optimizer, new["compile_config"]["optimizer"]):
        return
    waiting: list[Any] = [new["config"]]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict) and node.get("class_name") == "Embedding":
            text = "steps for every row of an embedding; tf.keras left out rows that no batch used"
            log.translated("optimizer", text)
            return
        if isinstance(node, dict | list):
            waiting += node.values() if isinstance(node, dict) else node


def _top_layers(config: Any) -> list[Any]:
    inner = config.get("config") if isinstance(config, dict) else config
    layers = inner.get("layers") if isinstance(inner, dict) else inner
    return layers if isinstance(layers, list) else []
