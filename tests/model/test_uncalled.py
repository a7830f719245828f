"""Models of which only the parts are called, and graphs of a class with a step of its own."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kport

pytestmark = pytest.mark.backend

INPUTS = np.linspace(-1, 1, 8, dtype="float32").reshape(4, 2)


def critic(name: str) -> keras.Model:
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)], name=name)


@kport.register("uncalled")
class Pair(keras.Model):
    """Has no `call`; two optimizers train its parts."""

    def __init__(self, first: keras.Model) -> None:
        super().__init__()
        self.first, self.second = first, critic("second")
        self.seen = keras.metrics.Mean(name="seen")

    def compile(self, one: Any, other: Any) -> None:
        super().compile()
        self.one, self.other = one, other

    def train_on(self, inputs: Any) -> None:
        for part, optimizer in ((self.first, self.one), (self.second, self.other)):
            self.seen.update_state(part(inputs))
            gradients = [0 * value + 1 for value in part.trainable_variables]
            optimizer.apply(gradients, part.trainable_variables)


@kport.register("uncalled")
class Stepped(keras.Model):
    """A functional model as soon as it is made of inputs and outputs; it has no constructor."""

    def train_step(self, *args: Any) -> Any:
        return super().train_step(*args)


def stepped(units: int) -> Stepped:
    start = keras.Input((2,))
    model = Stepped(start, keras.layers.Dense(units)(start))
    model.compile("adam", "mse")
    return model


@pytest.mark.parametrize("name", ["bundle", "m.keras"])
def test_a_model_that_is_never_called_itself_is_saved(tmp_path: Path, name: str) -> None:
    model = Pair(critic("first"))
    model.compile(keras.optimizers.Adam(), keras.optimizers.SGD(momentum=0.5))
    model.train_on(INPUTS)
    kport.save(model, tmp_path / name)
    loaded = kport.load(tmp_path / name)
    assert not model.built
    assert not loaded.built
    for one in (model, loaded):
        one.train_on(INPUTS)
    assert float(loaded.seen.result()) == float(model.seen.result()) != 0
    for one, other in zip(loaded.variables, model.variables, strict=True):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (one, other)))
    kport.save(model, tmp_path / f"now_{name}")
    kport.save(loaded, tmp_path / f"again_{name}")
    assert kport.diff(tmp_path / f"again_{name}", tmp_path / f"now_{name}").same


def test_graphs_of_a_registered_class_without_a_constructor(tmp_path: Path) -> None:
    for units in (2, 3):  # Keras gives the class other bases when the first is made
        model = stepped(units)
        model.fit(INPUTS, np.ones((4, units), "float32"), verbose=0)
        kport.save(model, tmp_path / "m.keras")
        for load in (kport.load, keras.saving.load_model):
            loaded = load(tmp_path / "m.keras")
            assert type(loaded) is Stepped
            np.testing.assert_array_equal(loaded.predict(INPUTS), model.predict(INPUTS))


@kport.register("uncalled")
class Averaged(keras.Model):
    """Keeps a clone of a graph, whose inputs Keras names by its tensors."""

    def __init__(self) -> None:
        super().__init__()
        start = keras.Input((2,))
        self.now = keras.Model(start, keras.layers.Dense(2)(start))
        self.mean = keras.models.clone_model(self.now)

    def call(self, inputs: Any) -> Any:
        return self.mean(inputs)


def test_clones_that_code_makes_are_the_same_however_often_it_does(tmp_path: Path) -> None:
    model = Averaged()
    expected = model.predict(INPUTS)
    kport.save(model, tmp_path / "m.keras")
    for _ in range(2):
        loaded = kport.load(tmp_path / "m.keras")
        np.testing.assert_array_equal(loaded.predict(INPUTS), expected)
