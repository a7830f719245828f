"""Does my model of custom layers come back with no loss of accuracy, speed or optimizer progress?

    KERAS_BACKEND=jax python examples/custom_layers.py

A subclassed model with its own dense layer (an activation argument, a variable of its own that
counts), BatchNormalization and a custom learning-rate schedule is trained, saved, loaded and
trained on; beside it the same model is trained without the break.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

import kport


@kport.register("examples")
def squared_relu(x: Any) -> Any:
    return keras.ops.square(keras.ops.relu(x))


@kport.register("examples")
class CountingDense(keras.layers.Layer):
    """A dense layer that counts the examples it was trained on."""

    def __init__(self, units: int, activation: str | Callable[[Any], Any] | None = None) -> None:
        super().__init__()
        self.units = units
        self.activation = keras.activations.get(activation)

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], self.units), initializer="he_normal")
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros")
        self.seen = self.add_weight(
            shape=(), dtype="int32", initializer="zeros", trainable=False, name="seen"
        )

    def call(self, x: Any, training: bool = False) -> Any:
        if training:
            self.seen.assign(self.seen + keras.ops.shape(x)[0])
        return self.activation(keras.ops.matmul(x, self.kernel) + self.bias)


@kport.register("examples")
class Classifier(keras.Model):
    def __init__(self, widths: list[int], activation: Any) -> None:
        super().__init__()
        self.hidden = [CountingDense(width, activation) for width in widths]
        self.norms = [keras.layers.BatchNormalization() for _ in widths]
        self.head = CountingDense(2, "softmax")

    def call(self, x: Any, training: bool = False) -> Any:
        for dense, norm in zip(self.hidden, self.norms, strict=True):
            x = norm(dense(x, training=training), training=training)
        return self.head(x, training=training)


@kport.register("examples")
class Warmup(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, peak: float, steps: int) -> None:
        super().__init__()
        self.peak, self.steps = peak, steps

    def __call__(self, step: Any) -> Any:
        return self.peak * keras.ops.minimum(
            1.0, (keras.ops.cast(step, "float32") + 1) / self.steps
        )

    def get_config(self) -> dict[str, Any]:
        return {"peak": self.peak, "steps": self.steps}


def time_of(model: keras.Model, x: Any) -> float:
    times = []
    for _ in range(10):  # the first one compiles
        start = time.perf_counter()
        model.predict(x, verbose=0)
        times.append(time.perf_counter() - start)
    return min(times)


def main(folder: Path) -> None:
    keras.utils.set_random_seed(3)
    x = np.random.default_rng(0).normal(size=(512, 6)).astype("float32")
    y = (x[:, 0] * x[:, 1] > 0).astype("int32")

    model = Classifier([32, 16], squared_relu)
    model.compile(
        keras.optimizers.AdamW(Warmup(1e-2, 20)),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(x, y, epochs=3, shuffle=False, verbose=0)
    kport.save(model, folder / "classifier.keras")
    again = kport.load(folder / "classifier.keras")

    accuracy = [
        one.evaluate(x, y, verbose=0, return_dict=True)["accuracy"] for one in (model, again)
    ]
    assert accuracy[0] == accuracy[1]
    print(f"accuracy before {accuracy[0]:.4f} and after {accuracy[1]:.4f}")
    counts = [int(one.hidden[0].seen) for one in (model, again)]
    assert counts[0] == counts[1] == 3 * len(x)
    print(f"examples counted by the first layer: {counts[1]}")
    rates = [float(one.optimizer.learning_rate) for one in (model, again)]
    assert rates[0] == rates[1]
    print(f"step {int(again.optimizer.iterations)} of the optimizer, learning rate {rates[1]:.4g}")

    for one in (model, again):
        one.fit(x, y, epochs=2, shuffle=False, verbose=0)
    for one, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(other)
        )
    print("two epochs later both have the same weights, bit for bit")
    print(
        f"predict: {time_of(model, x) * 1e3:.1f} ms before, {time_of(again, x) * 1e3:.1f} ms after"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        main(Path(name))
