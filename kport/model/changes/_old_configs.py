"""Hold the layers of a model against the configs that a SavedModel tells of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from kport.checkpoint import JSON, MARK, OWN_MARK
from kport.components import resolve
from kport.errors import KportError, LoadError, Problem, mapped
from kport.model._walk import Walk
from kport.model.changes._refusal import otherwise, refuse_others

__all__ = ["require_agreement"]

# Keys of a config that no output depends on, once the weights are those of the file.
_SILENT = frozenset({"build_config", "name", "seed", "trainable", MARK, OWN_MARK})
_SILENT_ENDS = ("initializer", "regularizer", "constraint")


def require_agreement(
    found: Walk, made: Mapping[str, JSON], custom_objects: Mapping[str, Any]
) -> None:
    """Compare the config of each layer with that of the file; layers of other classes are skipped.

    Arguments:
        found: The live model.
        made: Path of a layer -> its config in the file.
        custom_objects: See `kport.load`.

    Raises:
        LoadError: Some differ; all are named.
    """
    layers = dict(found.layers()) if made else {}
    problems = [
        problem
        for path, config in made.items()
        if path in layers
        for problem in _differences(path, layers[path], config, custom_objects)
    ]
    refuse_others(problems, "Change the code to what the file has, or build the model and use")


def _differences(
    path: str, layer: keras.Layer, config: JSON, custom_objects: Mapping[str, Any]
) -> Iterator[Problem]:
    twin = None
    # What cannot be made again, such as a Lambda with bytecode, cannot be compared.
    with contextlib.suppress(KportError), mapped(LoadError, "cannot be made again"):
        twin = keras.saving.deserialize_keras_object(resolve(config, custom_objects, {}))
    if twin is None or type(twin) is not type(layer):
        return
    rank = _rank(layer)
    theirs, ours = _loud(twin.get_config(), rank), _loud(layer.get_config(), rank)
    for key in sorted(theirs.keys() & ours.keys()):
        if theirs[key] != ours[key]:
            yield otherwise(f"{path}.{key}", theirs[key], ours[key])


def _rank(layer: keras.Layer) -> int:
    shape = (layer.get_build_config() or {}).get("input_shape") if layer.built else None
    return len(shape) if isinstance(shape, (list, tuple)) else 0


def _loud(config: Any, rank: int, key: str = "") -> Any:
    """Return what outputs depend on, one value in one form."""
    if isinstance(config, Mapping):
        return {
            str(key): _loud(one, rank, str(key))
            for key, one in config.items()
            if key not in _SILENT and not str(key).endswith(_SILENT_ENDS)
        }
    if isinstance(config, (list, tuple)):
        return [_loud(one, rank, key) for one in config]
    if isinstance(config, float):
        return float(str(np.float32(config)))  # TensorFlow held it in 32 bits
    if key == "axis" and isinstance(config, int) and config < 0:
        return config + rank
    return config
