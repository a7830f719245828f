"""Names of the variables in a checkpoint that knows no objects: ``tf.train.Saver``, Estimators.

A key is a variable's name in the graph, ``dense/kernel``; an optimizer adds its slots behind it
(``tensorflow/python/training/slot_creator.py`` of TensorFlow 1.15).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from kport.checkpoint import Kind, join_name
from kport_compat.tensorbundle import Bundle

__all__ = ["Named", "Value", "kind_of", "named_variables"]


@dataclass(frozen=True, slots=True)
class Value:
    """A variable of a checkpoint.

    Arguments:
        name: The name of its tensor.
        key: Its key in the bundle.
        kind: What it is for, as far as names tell.
        full_name: The name TensorFlow gave it; None where the file does not say.
    """

    name: str
    key: str
    kind: Kind
    full_name: str | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """All variables of a checkpoint, and second names -> first names."""

    values: tuple[Value, ...]
    ties: Mapping[str, str] = field(default_factory=dict)


# What optimizers of TensorFlow 1 call a slot; a second one of the same optimizer counts on.
_SLOTS = re.compile(
    r"(Adam|AdaMax|Adagrad|AdagradDA|Adadelta|Momentum|RMSProp|RMSPropOptimizer|Ftrl|"
    r"ExponentialMovingAverage|LAMB|LARS|adam_[mv])(_\d+)?"
)
_COUNTERS = re.compile(r"(.*/)?(global_step|beta[12]_power(_\d+)?|save_counter)")
_STATES = frozenset({"moving_mean", "moving_variance", "mean", "variance", "count", "states"})
_SEEDS = frozenset({"_random_generator", "_generator", "_seed_generator", "seed_generator"})


def named_variables(bundle: Bundle) -> Named:
    """Return every variable of a checkpoint without objects, slashes as dots."""
    values = (Value(join_name(*key.split("/")), key, _by_name(key), key) for key in bundle.entries)
    return Named(tuple(values))


def kind_of(segments: tuple[str, ...]) -> Kind:
    """Return what a variable is for, by the path that leads to it."""
    if not _SEEDS.isdisjoint(segments):
        return Kind.SEED
    return Kind.STATE if segments and segments[-1] in _STATES else Kind.PARAMETER


def _by_name(key: str) -> Kind:
    segments = key.split("/")
    if _COUNTERS.fullmatch(key) or _SLOTS.fullmatch(segments[-1]):
        return Kind.OPTIMIZER
    return kind_of(tuple(segments))
