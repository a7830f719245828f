"""Training that is cut in two: one entry for each optimizer of Keras, and for what goes with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from scenarios.training import OwnLoss, OwnMetric, OwnSchedule, own_distance

__all__ = ["TRAININGS", "Training", "masked", "train"]

optimizers = keras.optimizers


@dataclass(frozen=True)
class Training:
    """How a model is trained.

    Arguments:
        optimizer: Makes the optimizer.
        rows: The rows of `rows.ROWS` that it is, between spaces.
        loss: What `compile` is given.
        metrics: What `compile` is given.
        change: What is done once the model is compiled.
    """

    optimizer: Callable[[], Any]
    rows: str = ""
    loss: Any = "mse"
    metrics: tuple[Any, ...] = ("mae",)
    change: Callable[[keras.Model], None] = lambda model: None

    def model(self) -> keras.Model:
        """Return a compiled model of layers that have all sorts of state."""
        keras.utils.set_random_seed(4)
        layers = [keras.Input((5,)), keras.layers.Dense(6, activation="tanh")]
        layers += [keras.layers.BatchNormalization(), keras.layers.Dropout(0.3, seed=9)]
        model = keras.Sequential([*layers, keras.layers.Dense(2, name="out")])
        model.compile(self.optimizer(), loss=self.loss, metrics=list(self.metrics))
        self.change(model)
        return model


def without_decay(model: keras.Model) -> None:
    model.optimizer.exclude_from_weight_decay(var_names=["bias", "gamma"])


def slower(model: keras.Model) -> None:
    model.optimizer.learning_rate = 0.003


TRAININGS = {
    "sgd": Training(lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True), "sgd_mom"),
    "adam": Training(lambda: optimizers.Adam(0.01), "adam drop_adam"),
    "adam_amsgrad": Training(lambda: optimizers.Adam(0.01, amsgrad=True), "adam_amsgrad"),
    "adamw_ema": Training(
        lambda: optimizers.AdamW(0.01, use_ema=True, ema_overwrite_frequency=2), "adamw_ema"
    ),
    "adam_accumulating": Training(
        lambda: optimizers.Adam(0.01, gradient_accumulation_steps=2), "adamw_gradaccum"
    ),
    "adam_schedule": Training(
        lambda: optimizers.Adam(optimizers.schedules.CosineDecay(0.01, 20)), "adam_cosine"
    ),
    "adam_clipped": Training(
        lambda: optimizers.Adam(0.01, global_clipnorm=0.5, weight_decay=0.01), "adam_clip_wd"
    ),
    "adamw_with_exceptions": Training(
        lambda: optimizers.AdamW(0.01, weight_decay=0.2), "adam_wd_exclude", change=without_decay
    ),
    "adam_slowed_by_hand": Training(
        lambda: optimizers.Adam(0.01), "adam_lr_assigned", change=slower
    ),
    "rmsprop": Training(lambda: optimizers.RMSprop(0.01, momentum=0.9, centered=True), "rmsprop"),
    "nadam": Training(lambda: optimizers.Nadam(0.01), "nadam"),
    "lion": Training(lambda: optimizers.Lion(0.01), "lion"),
    "adafactor": Training(lambda: optimizers.Adafactor(0.01), "adafactor"),
    "ftrl": Training(lambda: optimizers.Ftrl(0.01), "ftrl"),
    "adagrad": Training(lambda: optimizers.Adagrad(0.01), "adagrad"),
    "adadelta": Training(lambda: optimizers.Adadelta(0.5), "adadelta"),
    "adamax": Training(lambda: optimizers.Adamax(0.01), "adamax"),
    "lamb": Training(lambda: optimizers.Lamb(0.01), "lamb"),
    "muon": Training(lambda: optimizers.Muon(0.01, exclude_layers=["out"]), "muon"),
    "schedule_free": Training(lambda: optimizers.ScheduleFreeAdamW(0.01), "schedulefree"),
    "multi": Training(
        lambda: optimizers.MultiOptimizer(
            optimizers.OptimizerMap(optimizers.SGD(0.05), {".*out/.*": optimizers.Adam(0.01)})
        )
    ),
    "loss_scale": Training(
        lambda: optimizers.LossScaleOptimizer(optimizers.Adam(0.01)), "lossscale_adam"
    ),
    "loss_and_metric_of_ones_own": Training(
        lambda: optimizers.SGD(OwnSchedule(0.1)),
        "custom_loss_metric",
        OwnLoss(1.5),
        (OwnMetric(2.0, name="own"),),
    ),
    "functions_as_loss_and_metric": Training(
        lambda: optimizers.SGD(0.05), "fn_loss_fn_metric", own_distance, (own_distance,)
    ),
}


def train(model: keras.Model, start: int, stop: int) -> list[float]:
    """Train on batches that depend on their number alone; return the loss after each."""
    losses = []
    for step in range(start, stop):
        generator = np.random.default_rng(step)
        x, y = generator.normal(size=(8, 5)), generator.normal(size=(8, 2))
        logs = model.train_on_batch(x.astype("float32"), y.astype("float32"), return_dict=True)
        losses.append(float(logs["loss"]))
    return losses


def masked(model: keras.Model) -> Any:
    """Return what a model computes in training mode, which shows the mask of its Dropout."""
    x = np.linspace(-1, 1, 40, dtype="float32").reshape(8, 5)
    outputs = model(keras.ops.convert_to_tensor(x), training=True)
    return np.asarray(keras.ops.convert_to_numpy(outputs))
