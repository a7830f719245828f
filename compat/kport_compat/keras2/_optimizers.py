"""The config of an old optimizer made into the one of a Keras 3 optimizer that computes the same.

Sources: `get_config` in ``keras/optimizers.py`` of Keras 2.2 and 2.3 (standalone), in
``keras/optimizers/legacy/`` and ``keras/optimizers/`` of Keras 2.12, and
``keras/mixed_precision/loss_scale_optimizer.py`` of TensorFlow 2.1, 2.4 and 2.15.
"""

from __future__ import annotations

from typing import Any

from kport.checkpoint import JSON
from kport_compat.keras2._log import Log
from kport_compat.keras2._objects import component, is_object, plain

__all__ = ["LOSS_SCALES", "optimizer", "updates_rows_lazily"]

_GONE = ("is_legacy_optimizer", "jit_compile")
_NEW = ("jit_compile", "use_ema")  # every optimizer of Keras 2.11 and later says these
LOSS_SCALES = frozenset({"LossScaleOptimizer", "LossScaleOptimizerV1", "LossScaleOptimizerV3"})
_CLIPS = ("clipnorm", "clipvalue", "global_clipnorm")

_OWN = {
    "Adagrad": "epsilon is added to the root, as Keras 2 did",
    "Nadam": "the momentum schedule is that of Keras 2",
    "RMSprop": "epsilon is added to the root, as Keras 2 did",
}
"""Old optimizers that compute otherwise than Keras 3's -> what kport's ones do."""

_LAZY = frozenset({"Adadelta", "Adamax", "LegacyNadam", "LegacyRMSprop", "RMSprop", "SGD"})


def optimizer(node: JSON, log: Log) -> JSON | None:
    """Return the optimizer in Keras 3's form, None with a note where there is no counterpart."""
    name = node["class_name"].removeprefix("Custom>")
    config = dict(node["config"]) if isinstance(node["config"], dict) else {}
    if name in LOSS_SCALES:
        return _scaled(config, log)
    old = _is_old(node, config)
    for key in _GONE:
        config.pop(key, None)
    if "lr" in config:  # Keras up to 2.2
        config["learning_rate"] = config.pop("lr")
    if config.get("epsilon", 0) is None:
        del config["epsilon"]
    if sum(bool(config.get(key)) for key in _CLIPS) > 1:
        log.dropped("optimizer", "clips gradients in two ways, Keras 3 in one; compile again")
        return None
    decay = config.pop("decay", 0) or 0
    if old and name == "Nadam":
        config["schedule_decay"], decay = config.get("schedule_decay", decay), 0
    if old and name == "Adagrad":
        config.setdefault("initial_accumulator_value", 0.0)  # Keras up to 2.3
    new = plain("optimizers", name, config, log, node.get("registered_name"))
    rate = new["config"].get("learning_rate")
    if isinstance(rate, int) and not isinstance(rate, bool):
        rate = new["config"]["learning_rate"] = float(rate)
    if decay:
        new["config"]["learning_rate"] = _decayed(rate, decay, log)
    return _old_formula(new, log) if old else new


def _is_old(node: JSON, config: JSON) -> bool:
    """Whether it was written by ``OptimizerV2`` or what came before."""
    if config.get("is_legacy_optimizer") or "legacy" in str(node.get("module")).split("."):
        return True
    return "is_legacy_optimizer" not in config and not any(key in config for key in _NEW)


def _old_formula(new: JSON, log: Log) -> JSON:
    name, config = new["class_name"], new["config"]
    same = name == "RMSprop" and (config.get("momentum") or 0) > 0
    if name not in _OWN or same or new["module"] != "keras.optimizers":
        return new
    log.translated("optimizer", f"{name} is kport's own {name}: {_OWN[name]}")
    return component(None, f"Legacy{name}", config, f"kport>Legacy{name}")


def _decayed(rate: Any, decay: float, log: Log) -> JSON:
    if is_object(rate):
        log.translated("optimizer", f"decay={decay!r} divides the schedule by 1 + decay * step")
        config = {"schedule": rate, "decay": decay}
        return component(None, "DecayedSchedule", config, "kport>DecayedSchedule")
    log.translated("optimizer", f"decay={decay!r} is an InverseTimeDecay schedule in Keras 3")
    config = {"initial_learning_rate": rate, "decay_steps": 1, "decay_rate": decay}
    return component("keras.optimizers.schedules", "InverseTimeDecay", config)


def _scaled(config: JSON, log: Log) -> JSON | None:
    inner = config.get("inner_optimizer") or config.get("optimizer")
    new = optimizer(inner, log) if isinstance(inner, dict) and is_object(inner) else None
    if new is None:
        return None
    fixed, dynamic = _scale(config)
    if fixed is not None:
        text = f"the fixed loss scale {fixed!r} is the loss_scale_factor of the optimizer"
        log.translated("optimizer", text)
        return {**new, "config": {**new["config"], "loss_scale_factor": fixed}}
    if dynamic is None:
        log.dropped("optimizer", "its loss scale has no counterpart in Keras 3; compile again")
        return None
    return component("keras.optimizers", "LossScaleOptimizer", {"inner_optimizer": new, **dynamic})


def _scale(config: JSON) -> tuple[float | None, JSON | None]:
    """Return the fixed scale, or how a dynamic one starts and grows; neither if it is unknown."""
    keys = {"initial_scale": "initial_scale", "dynamic_growth_steps": "dynamic_growth_steps"}
    found: Any = config
    if "loss_scale" in config:  # TensorFlow 2.1 to 2.3, and the V1 kept for them
        keys = {"initial_scale": "initial_loss_scale", "dynamic_growth_steps": "increment_period"}
        scale = config["loss_scale"]
        if isinstance(scale, int | float):
            return float(scale), None
        found = scale["config"] if is_object(scale) else {}
        if "loss_scale_value" in found:
            return float(found["loss_scale_value"]), None
    if found.get("dynamic") is False and found.get("initial_scale"):
        return float(found["initial_scale"]), None
    unlike = found.get("dynamic") is False or found.get("multiplier", 2) != 2
    if unlike or not all(found.get(key) for key in keys.values()):
        return None, None
    return None, {new: found[old] for new, old in keys.items()}


def updates_rows_lazily(node: JSON, new: JSON) -> bool:
    """Whether Keras 2 left slots of an embedding's rows alone that no batch used.

    The sparse kernels of ``OptimizerV2`` did so (`_resource_apply_sparse`) with these optimizers.
    """
    config = node["config"] if isinstance(node["config"], dict) else {}
    inner = config.get("inner_optimizer") or config.get("optimizer")
    if isinstance(inner, dict) and is_object(inner):
        new = new["config"].get("inner_optimizer", new)
        return updates_rows_lazily(inner, new)
    name, fields = new["class_name"], new["config"]
    plain_step = name in ("LegacyRMSprop", "RMSprop", "SGD") and not fields.get("momentum")
    return _is_old(node, config) and name in _LAZY and not plain_step
