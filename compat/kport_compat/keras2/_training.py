"""The ``training_config`` of Keras 2 made into the ``compile_config`` of Keras 3.

Forms: ``keras/saving/legacy/saving_utils.py`` of Keras 2.12 (`model_metadata`) on one side,
``keras/src/trainers/trainer.py`` of Keras 3.15 (`get_compile_config`) on the other. Keras 2 says a
metric as a function inside ``MeanMetricWrapper`` and nests the metrics by output.
"""

from __future__ import annotations

from typing import Any

from kport.checkpoint import JSON
from kport_compat.keras2._log import Log
from kport_compat.keras2._names import CLASSES, FUNCTIONS
from kport_compat.keras2._objects import function, is_object, plain
from kport_compat.keras2._optimizers import optimizer

__all__ = ["compile_config"]

# Names that Keras 3 no longer knows, with the one it does.
_RENAMED = {
    "kld": "kl_divergence",
    "kullback_leibler_divergence": "kl_divergence",
    "logcosh": "log_cosh",
}
_METRICS = {
    "binary_accuracy": "BinaryAccuracy",
    "binary_crossentropy": "BinaryCrossentropy",
    "categorical_accuracy": "CategoricalAccuracy",
    "categorical_crossentropy": "CategoricalCrossentropy",
    "mean_absolute_error": "MeanAbsoluteError",
    "mean_absolute_percentage_error": "MeanAbsolutePercentageError",
    "mean_squared_error": "MeanSquaredError",
    "mean_squared_logarithmic_error": "MeanSquaredLogarithmicError",
    "sparse_categorical_accuracy": "SparseCategoricalAccuracy",
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
}
_SETTINGS = ("run_eagerly", "steps_per_execution", "jit_compile")


def compile_config(training: JSON | None, log: Log) -> JSON | None:
    """Return Keras 3's form of a training config, None when the model was not compiled.

    An optimizer that Keras 3 has no counterpart for leaves the model uncompiled, with a note.
    """
    if not isinstance(training, dict) or not is_object(training.get("optimizer_config")):
        return None
    new = optimizer(training["optimizer_config"], log)
    if new is None:
        return None
    return {
        "optimizer": new,
        "loss": _nested(training.get("loss"), _loss, log),
        "loss_weights": training.get("loss_weights"),
        "metrics": _metrics(training.get("metrics"), log),
        "weighted_metrics": _metrics(training.get("weighted_metrics"), log),
        **{key: training[key] for key in _SETTINGS if training.get(key) is not None},
        # Keras 3 would put a scale of its own in the place of a fixed one.
        **({"auto_scale_loss": False} if new["config"].get("loss_scale_factor") else {}),
    }


def _nested(found: Any, convert: Any, log: Log) -> Any:
    if is_object(found) or isinstance(found, str):
        return convert(found, log)
    if isinstance(found, dict):
        return {key: _nested(one, convert, log) for key, one in found.items()}
    if isinstance(found, list):
        return [_nested(one, convert, log) for one in found]
    return found


def _loss(found: Any, log: Log) -> Any:
    if isinstance(found, str):
        return _named(found, "losses")
    if found["class_name"] == "function":
        return _named(str(found["config"]), "losses")
    config = dict(found["config"]) if isinstance(found["config"], dict) else {}
    config.pop("fn", None)
    if config.get("reduction") == "auto":
        config["reduction"] = "sum_over_batch_size"
    return plain("losses", found["class_name"], config, log, found.get("registered_name"))


def _named(name: str, kind: str) -> Any:
    name = _RENAMED.get(name, name)
    known = name in FUNCTIONS[kind] or name in CLASSES[kind]
    return name if known else function(name)


def _metrics(found: Any, log: Log) -> Any:
    new = _nested(found, _metric, log)
    if isinstance(new, list) and len(new) == 1 and isinstance(new[0], list):
        return new[0]  # one output: Keras 3 takes its metrics without the list around them
    return new


def _metric(found: Any, log: Log) -> Any:
    if isinstance(found, str):
        return _named(found, "metrics")
    name = found["class_name"]
    config = dict(found["config"]) if isinstance(found["config"], dict) else {}
    if name == "function":
        return _named(str(found["config"]), "metrics")
    if name == "MeanMetricWrapper" and isinstance(config.get("fn"), str):
        called = _RENAMED.get(config["fn"], config["fn"])
        if called == config.get("name") and called not in _METRICS:
            return _named(called, "metrics")  # Keras 3 wraps it the same way
        if called in _METRICS:
            name = _METRICS[called]
            del config["fn"]
        else:
            config["fn"] = function(called)
    return plain("metrics", name, config, log, found.get("registered_name"))
