"""Optimizers that a class makes itself, changed or replaced before the model was saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kport
from kport.errors import MissingComponentError

pytestmark = pytest.mark.backend

X = np.arange(6, dtype="float32").reshape(2, 3)


@kport.register("own_optimizers")
class Own(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(2)
        self.rule = keras.optimizers.Adam(0.002)

    def call(self, x: Any) -> Any:
        return self.dense(x)


def step(model: Any) -> Any:
    variables = model.trainable_variables
    if not model.rule.built:
        model.rule.build(variables)
    model.rule.apply([keras.ops.ones(one.shape) for one in variables], variables)
    return [keras.ops.convert_to_numpy(one) for one in model.get_weights()]


optimizers = keras.optimizers
CHANGES: dict[str, Callable[[Any], object]] = {
    "nothing": lambda model: None,
    "rate": lambda model: setattr(model.rule, "learning_rate", 0.5),
    "number": lambda model: setattr(model.rule, "beta_1", 0.5),
    "arguments": lambda model: setattr(model, "rule", optimizers.Adam(0.002, epsilon=0.1)),
    "class": lambda model: setattr(model, "rule", optimizers.SGD(0.1, momentum=0.9)),
    "schedule": lambda model: setattr(
        model, "rule", optimizers.Adam(optimizers.schedules.ExponentialDecay(0.1, 2, 0.5))
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_it_goes_on_as_it_was(change: str, tmp_path: Path) -> None:
    model = Own()
    model(X)
    CHANGES[change](model)
    step(model)
    for name in ("bundle", "model.keras"):
        kport.save(model, tmp_path / name)
    loaded = [kport.load(tmp_path / name) for name in ("bundle", "model.keras")]
    expected = step(model)
    for one in loaded:
        assert one.rule.get_config()["name"] == model.rule.get_config()["name"]
        kport.save(one, tmp_path / "again.keras")
        assert (tmp_path / "again.keras").read_bytes() == (tmp_path / "model.keras").read_bytes()
        for got, wanted in zip(step(one), expected, strict=True):
            np.testing.assert_array_equal(got, wanted)


def loss_of(delta: float) -> Any:
    def loss(wanted: Any, got: Any) -> Any:
        return keras.ops.mean(keras.ops.abs(wanted - got)) * delta

    return loss


def test_a_loss_that_nobody_can_register_is_no_reason_not_to_load(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("adam", loss_of(2.0), metrics=[loss_of(3.0)])
    for name in ("bundle", "model.keras"):
        kport.save(model, tmp_path / name)
        with pytest.raises(MissingComponentError, match="compile=False loads the model without"):
            kport.load(tmp_path / name)
        loaded = kport.load(tmp_path / name, compile=False)
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (loaded(X), model(X))))
        loaded = kport.load(tmp_path / name, custom_objects={"loss": loss_of(2.0)})
        assert loaded.compiled
