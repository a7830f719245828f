"""What code sets on losses, metrics, optimizers and the like after their constructors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import kport
from kport.errors import LoadError, SaveError

pytestmark = pytest.mark.backend
register = kport.register("set_since")

X = np.arange(6, dtype="float32").reshape(2, 3)
Y = np.ones((2, 1), "float32")


@register
class Scale:
    def __init__(self, by: float = 1.0) -> None:
        self.by = by
        self.extra = {"more": [1.0]}

    def __call__(self) -> float:
        return float(self.by * self.extra["more"][0])


@register
class Loss(keras.losses.Loss):
    def __init__(self, scale: Any) -> None:
        super().__init__()
        self.scale = scale
        self.power = 2.0

    def call(self, wanted: Any, got: Any) -> Any:
        return ops.mean(ops.abs(wanted - got) ** self.power, axis=-1) * self.scale()


@register
class Sum(keras.metrics.Metric):
    def __init__(self) -> None:
        super().__init__(name="sum")
        self.factor, self.calls = 1.0, 0
        self.sum = self.add_weight(name="sum", initializer="zeros")

    def update_state(self, wanted: Any, got: Any, sample_weight: Any = None) -> None:
        self.sum.assign_add(ops.sum(wanted) * self.factor)

    def result(self) -> Any:
        return ops.convert_to_tensor(self.sum)


@register
class Decay(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self) -> None:
        self.rate = 0.01

    def __call__(self, step: Any) -> Any:
        return self.rate


@register
class Pull(keras.regularizers.Regularizer):
    def __init__(self) -> None:
        self.strength = 0.1

    def __call__(self, x: Any) -> Any:
        return self.strength * ops.sum(ops.square(x))


@register
class Doubled(keras.optimizers.SGD):
    def __init__(self, learning_rate: Any = 0.01, name: str = "doubled") -> None:
        super().__init__(learning_rate, name=name)
        self.factor = 2.0

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        super().update_step(gradient * self.factor, variable, learning_rate)


def trained() -> Any:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, kernel_regularizer=Pull())])
    model.compile(Doubled(Decay()), Loss(Scale()), metrics=[Sum()])
    model.fit(X, Y, verbose=0)
    return model


CHANGES: dict[str, Callable[[Any], object]] = {
    "nothing": lambda model: None,
    "loss": lambda model: setattr(model.loss, "power", 3.0),
    "argument of an argument": lambda model: setattr(model.loss.scale, "by", 3.0),
    "inside an argument": lambda model: model.loss.scale.extra["more"].__setitem__(0, 3.0),
    "metric": lambda model: setattr(model.metrics[1].metrics[0], "factor", 3.0),
    "optimizer": lambda model: setattr(model.optimizer, "factor", 3.0),
    "schedule": lambda model: setattr(model.optimizer._learning_rate, "rate", 0.3),
    "regularizer": lambda model: setattr(model.layers[0].kernel_regularizer, "strength", 3.0),
}


def said(model: Any) -> list[Any]:
    """Return what each of its parts computes, of numbers that no backend rounds."""
    metric, kernel = model.metrics[1].metrics[0], np.ones((3, 1), "float32")
    metric.update_state(Y, Y)
    model.set_weights([kernel, np.ones(1, "float32")])
    model.optimizer.apply([ops.ones((3, 1)), ops.ones(1)])
    numbers = [
        model.loss(Y, Y * 3),
        metric.result(),
        model.layers[0].kernel_regularizer(kernel),
        *model.get_weights(),
    ]
    return [ops.convert_to_numpy(one).tolist() for one in numbers]


@pytest.mark.parametrize("change", CHANGES)
def test_it_computes_what_it_did(change: str, tmp_path: Path) -> None:
    model, untouched = trained(), trained()
    CHANGES[change](model)
    for name in ("bundle", "model.keras"):
        kport.save(model, tmp_path / name)
    loaded = [kport.load(tmp_path / name) for name in ("bundle", "model.keras")]
    expected = said(model)
    assert (said(untouched) == expected) is (change == "nothing")
    for one in loaded:
        kport.save(one, tmp_path / "again.keras")
        assert (tmp_path / "again.keras").read_bytes() == (tmp_path / "model.keras").read_bytes()
        assert said(one) == expected


def test_an_object_in_the_place_of_another_is_an_error(tmp_path: Path) -> None:
    model = trained()
    model.loss.power = Scale()
    with pytest.raises(
        SaveError, match=r"put objects into Loss since __init__\n  - power: is <Scale"
    ):
        kport.save(model, tmp_path / "bundle")


@register
class Inside(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(1, kernel_regularizer=Pull())

    def call(self, x: Any) -> Any:
        return self.dense(x)


def test_what_was_set_in_a_layer_that_code_makes_is_told(tmp_path: Path) -> None:
    model = Inside()
    model(X)
    model.dense.kernel_regularizer.strength = 3.0
    kport.save(model, tmp_path / "bundle")
    with pytest.raises(LoadError, match=r"dense\.kernel_regularizer\.kport_set: is .*strength"):
        kport.load(tmp_path / "bundle")


def test_a_class_without_the_place_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = trained()
    model.loss.power = 3.0
    kport.save(model, tmp_path / "bundle")
    monkeypatch.setattr(Loss, "power", property(lambda self: 2.0), raising=False)
    monkeypatch.setattr(Loss, "__init__", lambda self, scale: keras.losses.Loss.__init__(self))
    with pytest.raises(LoadError, match=r"power: is in the file, not in the code"):
        kport.load(tmp_path / "bundle")
