"""What the Keras of before tf.keras meant with the same words."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["training_of"]

_STANDALONE = re.compile(
    r"(0|1|2\.[0-3])\.[0-9.]*[0-9]"
)  # tf.keras says 2.2.4-tf, or 2.4 and later
_MEANT = {"clipnorm": "global_clipnorm"}


def training_of(training: Any, version: str | None) -> Any:
    """Return the ``training_config`` of an H5 file with ``clipnorm`` as tf.keras understands it.

    Keras up to 2.3 clipped all gradients together (`get_gradients` in ``keras/optimizers.py`` of
    2.2.4), tf.keras each by itself.

    Example:
        >>> optimizer = {"class_name": "SGD", "config": {"clipnorm": 1.0}}
        >>> training_of({"optimizer_config": optimizer}, "2.2.4")["optimizer_config"]["config"]
        {'global_clipnorm': 1.0}
    """
    if not isinstance(training, dict) or not _STANDALONE.fullmatch(version or ""):
        return training
    node = training.get("optimizer_config")
    if not isinstance(node, dict) or not isinstance(node.get("config"), dict):
        return training
    config = {_MEANT.get(key, key): value for key, value in node["config"].items()}
    return {**training, "optimizer_config": {**node, "config": config}}
