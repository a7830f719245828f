"""How do I save a model of two towers, reload it, and retrain one tower alone?

    KERAS_BACKEND=jax python examples/two_towers.py

A text tower and an image tower, of different input shapes, meet in a score. Each is saved as a
bundle of its own inside the whole's; the text tower is loaded alone, trained on its own, and put
back, and the files of the image tower are never written again. Then the whole trains on, and at
last a text tower of another make takes the place of the old one.
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
    goal = numbers.normal(size=(64, 1)).astype("float32")

    model = both(text_tower(), image_tower())
    model.compile("adam", "mse")
    model.fit(data, goal, epochs=2, verbose=0)
    target = folder / "two_towers"
    kport.save(model, target, split=["text", "image"])

    text = kport.load(target, part="text")  # reads nothing of the image tower
    text.compile("adam", "mse")
    text.fit(data["words"], numbers.normal(size=(64, 8)).astype("float32"), epochs=2, verbose=0)
    image_files = stamps(target / "parts" / "image")
    kport.save(text, target, part="text")  # the rest of the bundle is not written again
    assert stamps(target / "parts" / "image") == image_files

    again = kport.load(target)
    for before, weight in zip(
        model.get_layer("image").weights, again.get_layer("image").weights, strict=True
    ):
        np.testing.assert_array_equal(before.numpy(), weight.numpy())
    ours = again.get_layer("text").predict(data["words"], verbose=0)
    np.testing.assert_allclose(ours, text.predict(data["words"], verbose=0), rtol=1e-6)
    print("the text tower is the retrained one, the image tower the old one")

    again.fit(data, goal, verbose=0)  # the optimizer went on from where it was
    print("steps of the optimizer:", int(again.optimizer.iterations))

    # Another text tower, of another make, takes the place of the old one.
    words = keras.Input((12,), dtype="int32")
    x = keras.layers.LSTM(8)(keras.layers.Embedding(50, 4)(words))
    swapped = kport.load(target, parts={"text": keras.Model(words, x)})
    swapped.compile("adam", "mse")
    swapped.fit(data, goal, verbose=0)
    print("swapped in:", [layer.name for layer in swapped.get_layer("text").layers])


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        main(Path(name))
