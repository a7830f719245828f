"""What ``compile`` was given, made into what Keras 2 then trained with.

The ``compile_config`` of an archive is the arguments as they were
(``keras/engine/training.py`` of Keras 2.13, `get_compile_config`): an optimizer may be a word, and
the loss scale that `compile` puts around the optimizer of a mixed_float16 model is not in it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from kport.checkpoint import JSON
from kport_compat.keras2 import LOSS_SCALES

__all__ = ["LOSS_SCALED", "training_config"]

LOSS_SCALED = ("optimizer/inner_optimizer", "optimizer/_optimizer")
"""Where a loss scale keeps the state of the optimizer inside it, in 2.13 and in 2.12."""

_WORDS = "Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lion Nadam RMSprop SGD"
_BY_WORD = {name.lower(): name for name in _WORDS.split()}
_RATES = {"Lion": 0.0001, "SGD": 0.01}  # the default learning rates that are not 0.001
_SCALE = {"dynamic": True, "initial_scale": 2.0**15, "dynamic_growth_steps": 2000}  # the defaults


def training_config(config: Any, groups: Collection[str]) -> JSON | None:
    """Return the ``training_config`` that an H5 file would have; None if it was not compiled.

    Arguments:
        config: The model's config.
        groups: The groups of its ``model.weights.h5``.
    """
    compiled = config.get("compile_config") if isinstance(config, dict) else None
    if not isinstance(compiled, dict):
        return None
    optimizer = compiled.get("optimizer")
    if isinstance(optimizer, str) and optimizer.lower() in _BY_WORD:
        name = _BY_WORD[optimizer.lower()]
        fields = {"learning_rate": _RATES.get(name, 0.001), "is_legacy_optimizer": False}
        optimizer = {"class_name": name, "config": fields}
    if isinstance(optimizer, dict) and optimizer.get("class_name") not in LOSS_SCALES:
        written = any(one.startswith("optimizer/") for one in groups)
        scaled = any(one in groups for one in LOSS_SCALED) if written else _is_mixed(config)
        if scaled:
            inner = {"inner_optimizer": optimizer, **_SCALE}
            optimizer = {"class_name": "LossScaleOptimizer", "config": inner}
    return {**compiled, "optimizer_config": optimizer}


def _is_mixed(config: Any) -> bool:
    """Whether a layer computes in float16 and keeps its weights in float32."""
    waiting = [config]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if node.get("name") == "mixed_float16" or node.get("dtype") == "mixed_float16":
                return True
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return False
