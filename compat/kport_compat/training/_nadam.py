"""The momentum schedule of Nadam, of which old files keep nothing but the number of steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kport_compat.training._tables import UnknownState

__all__ = ["schedule_product"]

_DECAY = 0.96  # in every version of Keras
_MANY = 100_000  # steps after which the product is nothing, unless beta_1 is next to 1


def schedule_product(steps: int, variables: int, config: Mapping[str, Any]) -> float:
    """Return the product of the momentum schedule, ``u_product`` of Nadam, after some steps.

    Keras 2.11 to 2.15 multiplied it not once in a step but for each variable, one left out in the
    first steps: their ``_u_product_counter`` counts when a graph is made, not when it runs
    (`update_step` in ``keras/optimizers/nadam.py`` of 2.12).
    """
    beta, speed = float(config.get("beta_1", 0.9)), float(config.get("schedule_decay", 1.0))
    if not (0 <= beta < 1 and speed >= 0):
        raise UnknownState(f"its momentum schedule has beta_1={beta!r} and the speed {speed!r}")
    product = 1.0
    for step in range(1, min(steps, _MANY) + 1):
        often = variables - 1 if step < variables else variables
        product *= (beta * (1.0 - 0.5 * _DECAY ** (speed * step))) ** often
        if product < np.finfo("f4").tiny:
            return 0.0
    return product if steps <= _MANY else 0.0
