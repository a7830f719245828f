"""`assert_portable` passes what comes back whole, and names what does not."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import keras
import numpy as np
import pytest

import kport
from kport.errors import SaveError
from kport.testing import assert_portable

pytestmark = pytest.mark.backend

X = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)


@kport.register("portable")
class Gate(keras.layers.Layer):
    """Takes two tensors; has a state, a part, noise and an argument."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.part = keras.layers.Dense(3)
        self.drop = keras.layers.Dropout(rate, seed=3)

    def build(self, x_shape: Any, gate_shape: Any) -> None:
        self.part.build(x_shape)
        self.steps = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x: Any, gate: Any, training: bool = False) -> Any:
        if training:
            self.steps.assign_add(1.0)
        return self.drop(self.part(x), training=training) * gate


@kport.register("portable")
class Remembered(keras.layers.Layer):
    """Tells another argument than it was given."""

    def __init__(self, factor: float, **of_a_layer: Any) -> None:
        super().__init__(**of_a_layer)
        self.by = Fraction(2 * factor)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": float(self.by)}

    def call(self, x: Any) -> Any:
        return x * float(self.by)


@kport.register("portable")
class Doubles(Remembered):
    """Is trusted to know, as it writes `from_config`."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)


@kport.register("portable")
class Draws(keras.layers.Layer):
    """Draws from a generator that no file holds."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = np.random.default_rng()

    def call(self, x: Any, training: bool = False) -> Any:
        return x + self.generator.normal() if training else x


class Unknown:
    pass


@kport.register("portable")
class Holds(keras.layers.Layer):
    def __init__(self, thing: Any) -> None:
        super().__init__()

    def call(self, x: Any) -> Any:
        return x


def compiled(*parts: keras.Layer) -> keras.Model:
    model = keras.Sequential([keras.Input((3,)), *parts, keras.layers.Dense(1)])
    model.compile("adam", "mse", run_eagerly=True)
    return model


def test_a_layer_of_several_tensors_is_portable() -> None:
    assert_portable(Gate(0.5), {"x": X, "gate": X})


def test_a_model_is_trained_on() -> None:
    assert_portable(
        compiled(keras.layers.BatchNormalization(), keras.layers.Dropout(0.5, seed=1)),
        X,
        targets=X[:, :1],
    )


def test_a_config_that_tells_another_argument_is_named() -> None:
    with pytest.raises(AssertionError, match=r"doubles.* is not the same after loading") as raised:
        assert_portable(Doubles(1.0), X)
    text = str(raised.value)
    assert "model.keras: its outputs are others in inference" in text
    assert "config.factor: was 2.0, is 4.0" in text
    assert "bundle: " in text


def test_a_config_that_tells_another_argument_is_refused_where_it_is_known() -> None:
    with pytest.raises(SaveError, match=r"get_config tells 'factor' as 2\.0"):
        assert_portable(Remembered(1.0), X)


def test_what_no_file_holds_is_found_by_the_outputs() -> None:
    with pytest.raises(AssertionError, match="its outputs are others in training"):
        assert_portable(Draws(), X)


def test_what_training_needs_is_found_by_a_step() -> None:
    with pytest.raises(AssertionError, match=r"after a step of training: tensor .*kernel"):
        assert_portable(compiled(Draws()), X, targets=X[:, :1])


def test_what_cannot_be_saved_says_so() -> None:
    with pytest.raises(SaveError, match="thing"):
        assert_portable(Holds(Unknown()), X)


def test_other_backends_prove_it() -> None:
    other = "jax" if keras.backend.backend() == "torch" else "torch"
    assert_portable(keras.layers.Dense(2), X, backends=[other])
    missing = rf"(?s)on {other}: .*'portable>Gate'.*not registered"
    with pytest.raises(AssertionError, match=missing):
        assert_portable(Gate(0.5), {"x": X, "gate": X}, backends=[other])
