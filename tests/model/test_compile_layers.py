"""Losses and metrics that compare what networks of their own make of targets and predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kport

pytestmark = pytest.mark.backend

X = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)


@kport.register("tests.compile_layers")
class Features(keras.Model):
    def __init__(self, units: int) -> None:
        super().__init__()
        self.dense, self.norm = keras.layers.Dense(units), keras.layers.BatchNormalization()

    def call(self, x: Any) -> Any:
        return self.norm(self.dense(x))


@kport.register("tests.compile_layers")
class FeatureLoss(keras.losses.Loss):
    def __init__(self, network: keras.Model) -> None:
        super().__init__()
        self.network = network

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return keras.ops.mean(keras.ops.abs(self.network(y_true) - self.network(y_pred)), -1)


@kport.register("tests.compile_layers")
class FeatureMetric(keras.metrics.Mean):
    def __init__(self, network: keras.Model) -> None:
        super().__init__("features")
        self.network = network

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return super().update_state(keras.ops.abs(self.network(y_true) - self.network(y_pred)))


def trained() -> keras.Model:
    networks = [Features(4), Features(5)]
    for one in networks:
        one(X)
        one.trainable = False
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
    model.compile("adam", FeatureLoss(networks[0]), metrics=[FeatureMetric(networks[1])])
    model.fit(X, X, verbose=0)
    return model


@pytest.mark.parametrize("name", ["bundle", "model.keras"])
def test_training_goes_on_with_the_networks_it_had(name: str, tmp_path: Path) -> None:
    model = trained()
    kport.save(model, tmp_path / name)
    again = kport.load(tmp_path / name)
    assert not again.loss.network.trainable
    kport.save(again, tmp_path / f"again_{name}")
    assert kport.diff(tmp_path / name, tmp_path / f"again_{name}").same
    both = [one.fit(X, X, shuffle=False, verbose=0).history for one in (model, again)]
    assert both[0] == both[1]


@pytest.mark.parametrize("at", ["save", "load"])
def test_they_are_left_out_with_the_rest_of_the_training(at: str, tmp_path: Path) -> None:
    model = trained()
    kport.save(model, tmp_path / "bundle", optimizer=at == "load")
    again = kport.load(tmp_path / "bundle", compile=at == "save")
    assert (again.predict(X, verbose=0) == model.predict(X, verbose=0)).all()
