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
from kport_compat.keras2._objects import component, function, is_object, plain

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
_GONE = ("is_legacy_optimizer", "jit_compile")
_SCALED = frozenset({"LossScaleOptimizer", "LossScaleOptimizerV3"})


def compile_config(training: JSON | None, log: Log) -> JSON | None:
    """Return Keras 3's form of a training config, None when the model was not compiled.

    An optimizer that Keras 3 has no counterpart for leaves the model uncompiled, with a note.
    """
    if not isinstance(training, dict) or not is_object(training.get("optimizer_config")):
        return None
    optimizer = _optimizer(training["optimizer_config"], log)
    if optimizer is None:
        return None
    return {
        "optimizer": optimizer,
        "loss": _nested(training.get("loss"), _loss, log),
        "loss_weights": training.get("loss_weights"),
        "metrics": _metrics(training.get("metrics"), log),
        "weighted_metrics": _metrics(training.get("weighted_metrics"), log),
    }


def _optimizer(node: JSON, log: Log) -> JSON | None:
    name = node["class_name"].removeprefix("Custom>")
    config = dict(node["config"]) if isinstance(node["config"], dict) else {}
    if name in _SCALED:
        return _scaled(config, log)
    for key in _GONE:
        config.pop(key, None)
    if "lr" in config:  # Keras up to 2.2
        config["learning_rate"] = config.pop("lr")
    if config.get("epsilon", 0) is None:
        del config["epsilon"]
    decay = config.pop("decay", 0) or 0
    new = plain("optimizers", name, config, log, node.get("registered_name"))
    rate = new["config"].get("learning_rate")
    if isinstance(rate, int) and not isinstance(rate, bool):
        new["config"]["learning_rate"] = float(rate)
    if decay:
        new["config"]["learning_rate"] = _decayed(rate, decay, log)
    return new


def _decayed(rate: Any, decay: float, log: Log) -> JSON:
    log.translated("optimizer", f"decay={decay!r} is an InverseTimeDecay schedule in Keras 3")
    config = {"initial_learning_rate": rate, "decay_steps": 1, "decay_rate": decay}
    return component("keras.optimizers.schedules", "InverseTimeDecay", config)


def _scaled(config: JSON, log: Log) -> JSON | None:
    inner = config.get("inner_optimizer")
    new = _optimizer(inner, log) if is_object(inner) and isinstance(inner, dict) else None
    if new is None or not config.get("dynamic"):
        log.dropped("optimizer", "a loss scale that is fixed has no counterpart; compile again")
        return None
    fields = {key: config[key] for key in ("initial_scale", "dynamic_growth_steps")}
    return component("keras.optimizers", "LossScaleOptimizer", {"inner_optimizer": new, **fields})


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
