"""Training that was saved and loaded goes on as if it had never stopped, with every optimizer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kport
from kport.model import capture

pytestmark = pytest.mark.backend

Make = Callable[[], Any]
optimizers = keras.optimizers
OPTIMIZERS: dict[str, Make] = {
    "sgd": lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "adam_amsgrad": lambda: optimizers.Adam(0.01, amsgrad=True),
    "adamw_ema": lambda: optimizers.AdamW(0.01, use_ema=True, ema_overwrite_frequency=2),
    "adam_accumulating": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=2),
    "adam_schedule": lambda: optimizers.Adam(optimizers.schedules.CosineDecay(0.01, 20)),
    "adam_clipped": lambda: optimizers.Adam(0.01, global_clipnorm=0.5, weight_decay=0.01),
    "rmsprop": lambda: optimizers.RMSprop(0.01, momentum=0.9, centered=True),
    "nadam": lambda: optimizers.Nadam(0.01),
    "lion": lambda: optimizers.Lion(0.01),
    "adafactor": lambda: optimizers.Adafactor(0.01),
    "ftrl": lambda: optimizers.Ftrl(0.01),
    "adagrad": lambda: optimizers.Adagrad(0.01),
    "adadelta": lambda: optimizers.Adadelta(0.5),
    "adamax": lambda: optimizers.Adamax(0.01),
    "lamb": lambda: optimizers.Lamb(0.01),
    "muon": lambda: optimizers.Muon(0.01, exclude_layers=["out"]),
    "schedule_free": lambda: optimizers.ScheduleFreeAdamW(0.01),
    "multi": lambda: optimizers.MultiOptimizer(
        optimizers.OptimizerMap(optimizers.SGD(0.05), {".*out/.*": optimizers.Adam(0.01)})
    ),
    "loss_scale": lambda: optimizers.LossScaleOptimizer(optimizers.Adam(0.01)),
}


def model_for(make: Make) -> keras.Model:
    keras.utils.set_random_seed(4)
    layers = [keras.Input((5,)), keras.layers.Dense(6, activation="tanh")]
    layers += [keras.layers.BatchNormalization(), keras.layers.Dropout(0.3, seed=9)]
    model = keras.Sequential([*layers, keras.layers.Dense(2, name="out")])
    model.compile(make(), loss="mse", metrics=["mae"])
    return model


def train(model: keras.Model, start: int, stop: int) -> None:
    for step in range(start, stop):
        generator = np.random.default_rng(step)
        x, y = generator.normal(size=(8, 5)), generator.normal(size=(8, 2))
        model.train_on_batch(x.astype("float32"), y.astype("float32"))


def values(model: keras.Model) -> dict[str, Any]:
    return {name: np.array(one.read()) for name, one in capture(model).tensors.items()}


def test_every_optimizer_of_keras_is_here() -> None:
    public = {
        name
        for name, one in vars(optimizers).items()
        if isinstance(one, type) and issubclass(one, optimizers.Optimizer)
    }
    tried = {type(make()).__name__ for make in OPTIMIZERS.values()}
    assert public - {"Optimizer"} == tried


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_it_goes_on_bit_for_bit(name: str, tmp_path: Path) -> None:
    straight = model_for(OPTIMIZERS[name])
    train(straight, 0, 6)
    halfway = model_for(OPTIMIZERS[name])
    train(halfway, 0, 3)
    kport.save(halfway, tmp_path / "bundle")
    resumed = kport.load(tmp_path / "bundle")
    saved, loaded = values(halfway), values(resumed)
    assert sorted(loaded) == sorted(saved)
    assert [name for name in saved if not np.array_equal(saved[name], loaded[name])] == []
    train(resumed, 3, 6)
    ours, theirs = values(resumed), values(straight)
    assert [name for name in theirs if not np.array_equal(ours[name], theirs[name])] == []
