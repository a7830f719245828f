"""How do I save a subclassed model: whole, as config and weights, or weights into code?

    KERAS_BACKEND=torch python examples/three_ways.py

The model has layers of its own making, an activation as an argument, BatchNormalization and a
variable; it has neither get_config nor build.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

import kport


@kport.register("examples")
def squash(x: Any) -> Any:
    return x / (1 + keras.ops.abs(x))


@kport.register("examples")
class OwnDense(keras.layers.Layer):
    def __init__(self, units: int, activation: Any = None) -> None:
        super().__init__()
        self.units, self.activation = units, activation

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], self.units))
        self.temperature = self.add_weight(shape=(), initializer="ones")

    def call(self, x: Any) -> Any:
        x = keras.ops.matmul(x, self.kernel) * self.temperature
        return x if self.activation is None else self.activation(x)


@kport.register("examples")
class Classifier(keras.Model):
    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.stack = [OwnDense(hidden, squash), keras.layers.BatchNormalization()]
        self.head = OwnDense(3, activation=keras.activations.softmax)

    def call(self, x: Any, training: bool = False) -> Any:
        x = self.stack[1](self.stack[0](x), training=training)
        return self.head(x)


def train(model: keras.Model, x: Any, y: Any, steps: int) -> None:
    for _ in range(steps):
        model.train_on_batch(x, y)


def main(folder: Path) -> None:
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(64, 5)).astype("float32")
    y = numbers.integers(0, 3, 64).astype("int32")
    keras.utils.set_random_seed(1)
    model = Classifier(16)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    train(model, x, y, 10)
    expected = model.predict(x, verbose=0)

    # 1. Whole: the class comes from the registry, the rest from the file.
    kport.save(model, folder / "whole")
    whole = kport.load(folder / "whole")
    np.testing.assert_array_equal(whole.predict(x, verbose=0), expected)

    # 2. Config and weights: the two files of a bundle that anything can read.
    config = json.loads((folder / "whole" / "config.json").read_text())
    made = keras.saving.deserialize_keras_object({**config, "compile_config": None})
    made(x[:1])
    kport.load_weights(made, folder / "whole")
    np.testing.assert_array_equal(made.predict(x, verbose=0), expected)

    # 3. Weights into code: the class as it stands in this file.
    coded = Classifier(16)
    coded(x[:1])
    print(kport.load_weights(coded, folder / "whole"))
    np.testing.assert_array_equal(coded.predict(x, verbose=0), expected)

    # The first way kept the optimizer, too: both go on and stay equal.
    train(model, x, y, 5)
    train(whole, x, y, 5)
    np.testing.assert_array_equal(whole.predict(x, verbose=0), model.predict(x, verbose=0))
    print("three ways, one model; training went on without a difference")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        main(Path(name))
