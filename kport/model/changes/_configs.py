"""The configs of layers that only a class's own code makes, for a file to tell what they were.

The config of a model ends at the classes of users: what their code makes inside is made anew by the
code. What was done to such a layer since (``model.head.activation = tanh``) stands nowhere else.
"""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Collection, Iterator
from typing import Any

import keras

from kport.checkpoint import JSON, MARK, OWN_MARK, digest, renumbered
from kport.errors import SaveError
from kport.model._config import is_lambda
from kport.model._keras import serializing
from kport.model._walk import Walk

__all__ = ["held_by_users", "made_by_code", "told_config"]

# What stands elsewhere in a file, or decides nothing once the weights are those of the file.
_ELSEWHERE = frozenset(
    {
        "autocast",
        "batch_shape",
        "build_config",
        "build_input_shape",
        "compile_config",
        "dtype",
        "idf_weights",
        "lora_alpha",
        "lora_rank",
        "name",
        "quantization_config",
        "seed",
        MARK,
        OWN_MARK,
        "trainable",
        "vocabulary",
    }
)
_LONG = 64  # a row of so many numbers is told by its hash


def made_by_code(found: Walk, told: Collection[int]) -> Iterator[tuple[str, JSON]]:
    """Yield path and config of each layer that no other config tells.

    Arguments:
        found: The model.
        told: The ids of what the config of the model tells.
    """
    seen = set(told)
    with serializing(found.owners[0].thing, seen=seen):
        for path, layer in held_by_users(found):
            if id(layer) not in seen and (config := told_config(layer)) is not None:
                yield path, config


def held_by_users(found: Walk) -> Iterator[tuple[str, keras.Layer]]:
    """Yield path and layer of all that classes of users hold.

    What Keras's own layers make inside follows from their config.
    """
    layers = dict(found.layers())
    for path, layer in layers.items():
        parent = path.rpartition(".")[0]
        while parent and parent not in layers:
            parent = parent.rpartition(".")[0]
        if path and not type(layers[parent]).__module__.startswith("keras."):
            yield path, layer


def told_config(layer: keras.Layer) -> JSON | None:
    """Return what computing and training with a layer depend on; None where it cannot be said.

    Nothing is held against such a layer, one with a lambda for example: its code makes it.
    """
    with (
        contextlib.suppress(Exception),  # of a user's get_config, which loading may never need
        warnings.catch_warnings(action="ignore", category=UserWarning),  # of lambdas
    ):
        plain = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
        config: JSON = _loud(renumbered(plain))
        return config
    return None


def _loud(node: Any) -> Any:
    if isinstance(node, list):
        if len(node) < _LONG or any(isinstance(one, (list, dict)) for one in node):
            return [_loud(one) for one in node]
        return digest(json.dumps(node).encode())
    if not isinstance(node, dict):
        return node
    if is_lambda(node):
        raise SaveError("is a lambda")
    return {
        key: _loud(one)
        for key, one in node.items()
        if not (key in _ELSEWHERE or key.endswith("initializer") or _is_a_place(key, one))
    }


def _is_a_place(key: str, value: Any) -> bool:
    """Whether it says where a user's class stands, which no loader asks."""
    return key == "module" and not str(value).startswith(("keras.", "builtins"))
