"""What each optimizer keeps, and what Keras 1 and 2 called it.

Sources: ``build`` in ``keras/src/optimizers/*.py`` of Keras 3.15 for the attributes;
``keras/optimizers.py`` of Keras 2.2 and 2.3, ``keras/optimizers/legacy/*.py`` (`_create_slots`) and
``keras/optimizers/*.py`` (`build`) of Keras 2.12 for the old names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kport.checkpoint import JSON

__all__ = [
    "AVERAGES",
    "BLOCKS",
    "COUNTED",
    "SCALARS",
    "Blocks",
    "SlotKind",
    "UnknownState",
    "layout",
]


@dataclass(frozen=True, slots=True)
class SlotKind:
    """One value an optimizer keeps for each variable.

    Arguments:
        attribute: Where a Keras 3 optimizer has it.
        tokens: What old writers call it.
        kept: Whether the Keras 3 optimizer of this config has it.
        always: Whether Keras 2.11 and later keeps it, whatever the config.
    """

    attribute: str
    tokens: frozenset[str]
    kept: Callable[[JSON], bool]
    always: bool = False


Blocks = tuple[tuple[SlotKind, ...], ...]
"""Slots in the order of Keras 2.11 and later; those of one block alternate by variable."""


class UnknownState(Exception):
    """The state cannot be read with certainty, and why."""


def _slot(
    attribute: str,
    tokens: str,
    kept: Callable[[JSON], bool] = lambda config: True,
    *,
    always: bool = False,
) -> SlotKind:
    return SlotKind(attribute, frozenset(tokens.split()), kept, always)


AVERAGES = _slot("model_variables_moving_average", "average", lambda c: bool(c.get("use_ema")))

_MOMENTS = (_slot("momentums", "m"), _slot("velocities", "v"))
_ADAM: Blocks = (_MOMENTS, (_slot("velocity_hats", "vhat", lambda c: bool(c.get("amsgrad"))),))
_ADAGRAD: Blocks = ((_slot("accumulators", "accumulator"),),)
_RMSPROP: Blocks = (
    (_slot("velocities", "rms velocity accumulator"),),
    (_slot("momentums", "momentum", lambda c: (c.get("momentum") or 0) > 0),),
    (_slot("average_gradients", "mg average_gradient", lambda c: bool(c.get("centered"))),),
)
BLOCKS: dict[str, Blocks] = {
    "Adadelta": (
        (
            _slot("accumulated_grads", "accum_grad accumulated_grad accumulator"),
            _slot(
                "accumulated_delta_vars",
                "accum_var accumulated_delta_var delta_accumulator",
            ),
        ),
    ),
    "Adafactor": ((_slot("r", "r"), _slot("c", "c"), _slot("v", "v")),),
    "Adagrad": _ADAGRAD,
    "Adam": _ADAM,
    "AdamW": _ADAM,
    "Adamax": ((_slot("m", "m"), _slot("u", "u v")),),
    "Ftrl": ((_slot("accumulators", "accumulator"), _slot("linears", "linear")),),
    "LegacyAdagrad": _ADAGRAD,
    "LegacyNadam": (_MOMENTS,),
    "LegacyRMSprop": _RMSPROP,
    "Lion": ((_slot("momentums", "m"),),),
    "Nadam": (_MOMENTS,),
    "RMSprop": _RMSPROP,
    "SGD": (
        (_slot("momentums", "momentum m moment", lambda c: bool(c.get("momentum")), always=True),),
    ),
}
"""Class of a translated config -> its slots."""

COUNTED = frozenset({"Adafactor", "Adam", "AdamW", "Adamax", "LegacyNadam", "Nadam"})
"""Classes whose steps depend on the number of iterations, whatever the learning rate."""

LOSS_SCALE = {"current_loss_scale": "dynamic_scale", "good_steps": "step_counter"}
"""Old name -> attribute of what a loss scale keeps."""

# With it the kernel of old TensorFlow keeps ``linear`` multiplied by the learning rate: those of
# 2.3.4 and 2.4.4 do, that of 2.15.1 does not.
_SHRINKAGE = "l2_shrinkage_regularization_strength"

SCALARS = {
    "iter": "iterations",
    "iteration": "iterations",
    "iterations": "iterations",
    "m_schedule": "u_product",
    "momentum_cache": "u_product",
    "u_product": "u_product",
}
"""Last part of an old name -> attribute of what an optimizer keeps once."""


def layout(optimizer: JSON | None) -> tuple[str, str, JSON, Blocks]:
    """Return the path to the optimizer that keeps the slots, its class, its config, its slots.

    Arguments:
        optimizer: The translated config; None where there is none.

    Raises:
        UnknownState: The class is not known.
    """
    cls = optimizer["class_name"] if optimizer else ""
    config: JSON = optimizer["config"] if optimizer else {}
    if cls == "LossScaleOptimizer":
        _, cls, config, blocks = layout(config.get("inner_optimizer"))
        return "inner_optimizer.", cls, config, blocks
    if cls == "Ftrl" and config.get(_SHRINKAGE) and "use_ema" not in config:
        raise UnknownState("TensorFlow up to 2.4 and later ones differ in the scale of its slots")
    if cls not in BLOCKS:
        raise UnknownState(f"the state of {cls or 'an optimizer without config'} is not known")
    return "", cls, config, ((AVERAGES,), *BLOCKS[cls])
