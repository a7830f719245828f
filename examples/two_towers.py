"""How do I save a model of two towers, reload it, and retrain one tower alone?

    KERAS_BACKEND=jax python examples/two_towers.py

A text tower and an image tower, of different input shapes, meet in a score. The whole is saved,
the text tower is loaded alone, trained on its own, and put back; the image tower never moves.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import keras
import numpy as np

import kport


def text_tower() -> keras.Model:
    words = keras.Input((12,), dtype="int32", name="words")
    x = keras.layers.Embedding(50, 16)(words)
    x = keras.layers.GlobalAveragePooling1D()(x)
    return keras.Model(words, keras.layers.Dense(8)(x), name="text")


def image_tower() -> keras.Model:
    pixels = keras.Input((8, 8, 3), name="pixels")
    x = keras.layers.Conv2D(8, 3, activation="relu")(pixels)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(pixels, keras.layers.Dense(8)(x), name="image")


def both(text: keras.Model, image: keras.Model) -> keras.Model:
    words = keras.Input((12,), dtype="int32", name="words")
    pixels = keras.Input((8, 8, 3), name="pixels")
    score = keras.layers.Dot(-1, name="score")([text(words), image(pixels)])
    return keras.Model({"words": words, "pixels": pixels}, score, name="two_towers")


def main(folder: Path) -> None:
    keras.utils.set_random_seed(1)
    numbers = np.random.default_rng(0)
    data = {
        "words": numbers.integers(0, 50, (64, 12)).astype("int32"),
        "pixels": numbers.normal(size=(64, 8, 8, 3)).astype("float32"),
    }
    target = numbers.normal(size=(64, 1)).astype("float32")

    model = both(text_tower(), image_tower())
    model.compile("adam", "mse")
    model.fit(data, target, epochs=2, verbose=0)
    kport.save(model, folder / "two_towers", sample=data)

    text = kport.load(folder / "two_towers", part="text")  # reads nothing of the image tower
    text.compile("adam", "mse")
    wanted = numbers.normal(size=(64, 8)).astype("float32")
    text.fit(data["words"], wanted, epochs=2, verbose=0)
    kport.save(text, folder / "text")

    again = kport.load(folder / "two_towers")
    image_before = [np.array(weight.numpy()) for weight in again.get_layer("image").weights]
    report = kport.load_weights(again, folder / "text", rename={"**": "text.**"}, strict=False)
    print("put back:", ", ".join(report.renamed))

    for before, weight in zip(image_before, again.get_layer("image").weights, strict=True):
        np.testing.assert_array_equal(before, weight.numpy())
    ours = again.get_layer("text").predict(data["words"], verbose=0)
    np.testing.assert_allclose(ours, text.predict(data["words"], verbose=0), rtol=1e-6)
    print("the text tower is the retrained one, the image tower the old one")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        main(Path(name))
