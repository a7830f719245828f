"""What do I save by freezing a pretrained backbone under a head that is trained?

    KERAS_BACKEND=tensorflow python examples/frozen_backbone.py

A backbone is trained, saved, and loaded into a new model as its first part. With the backbone
frozen a step computes no gradients for it and the optimizer keeps no slots for it; both are
measured here, and the frozen state comes back with the file.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import keras
import numpy as np

import kport

WIDTH = 512


def new_backbone() -> keras.Model:
    layers = [keras.Input((64,))]
    for _ in range(4):
        layers += [keras.layers.Dense(WIDTH, "relu"), keras.layers.BatchNormalization()]
    return keras.Sequential(layers, name="backbone")


def with_head(backbone: keras.Model) -> keras.Model:
    inputs = keras.Input((64,))
    outputs = keras.layers.Dense(1, name="head")(backbone(inputs))
    return keras.Model(inputs, outputs)


def seconds_a_step(model: keras.Model, x: np.ndarray, y: np.ndarray) -> float:
    model.compile("adam", "mse")
    model.train_on_batch(x, y)  # compiles
    times = []
    for _ in range(7):
        start = time.perf_counter()
        model.train_on_batch(x, y)
        times.append(time.perf_counter() - start)
    return sorted(times)[3]


def megabytes(variables: list[keras.Variable]) -> float:
    return sum(np.prod(one.shape) * 4 for one in variables) / 1e6


def main(folder: Path) -> None:
    keras.utils.set_random_seed(1)
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(256, 64)).astype("float32")
    y = numbers.normal(size=(256, 1)).astype("float32")

    pretrained = with_head(new_backbone())
    pretrained.compile("adam", "mse")
    pretrained.fit(x, y, verbose=0)
    kport.save(pretrained, folder / "pretrained")

    model = with_head(kport.load(folder / "pretrained", part="backbone"))
    results = {}
    for state in ("trained", "frozen"):
        if state == "frozen":
            kport.freeze(model, "backbone")
        took = seconds_a_step(model, x, y)
        gradients = megabytes(model.trainable_weights)
        slots = megabytes(model.optimizer.variables)
        results[state] = took, gradients, slots
        print(
            f"backbone {state}: {took * 1e3:.1f} ms a step, "
            f"{gradients:.2f} MB of gradients, {slots:.2f} MB of optimizer slots"
        )
    saved = 1 - results["frozen"][0] / results["trained"][0]
    print(f"freezing saves {saved:.0%} of the time of a step")
    assert results["frozen"][1] < 0.01 * results["trained"][1]
    assert results["frozen"][2] < 0.01 * results["trained"][2]

    before = [keras.ops.convert_to_numpy(weight) for weight in model.get_layer("backbone").weights]
    model.fit(x, y, epochs=3, verbose=0)
    kport.save(model, folder / "with_head.keras")
    again = kport.load(folder / "with_head.keras")
    assert [weight.path.split("/")[0] for weight in again.trainable_weights] == ["head", "head"]
    for old, weight in zip(before, again.get_layer("backbone").weights, strict=True):
        np.testing.assert_array_equal(old, keras.ops.convert_to_numpy(weight))
    print("saved and loaded: the backbone is frozen still, its statistics have not moved")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        main(Path(name))
