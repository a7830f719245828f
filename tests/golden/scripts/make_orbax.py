"""Make tests/golden/orbax: what the OrbaxCheckpoint callback of Keras writes.

KERAS_BACKEND=jax python make_orbax.py FOLDER, with keras 3.15.1, jax 0.10.2,
orbax-checkpoint 0.12.8 and tensorstore 0.1.86; then delete each commit_success.txt, which names
FOLDER. KERAS_BACKEND=torch adds what another backend writes, whose scalars are Python's.
"""

import os
import sys
from pathlib import Path

import keras
import numpy as np


@keras.saving.register_keras_serializable("golden")
class Words(keras.layers.Layer):
    """A layer with a file of its own."""

    words = ""

    def call(self, inputs):
        return inputs

    def save_assets(self, folder):
        (Path(folder) / "words.txt").write_text(self.words)

    def load_assets(self, folder):
        self.words = (Path(folder) / "words.txt").read_text()


@keras.saving.register_keras_serializable("golden")
class Block(keras.layers.Layer):
    """A layer whose layers get their numbers from Keras."""

    def __init__(self, units, **more):
        super().__init__(**more)
        self.units = units
        self.inner = keras.layers.Dense(units, activation="relu")
        self.outer = keras.layers.Dense(units)
        self.drop = keras.layers.Dropout(0.2)

    def build(self, shape):
        self.inner.build(shape)
        self.outer.build((*shape[:-1], self.units))

    def call(self, inputs):
        return inputs + self.outer(self.drop(self.inner(inputs)))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def make():
    keras.utils.set_random_seed(0)
    entry = keras.Input((4,))
    words = Words(name="words")
    words.words = "one\ntwo"
    found = keras.layers.BatchNormalization()(Block(4)(Block(4)(words(entry))))
    model = keras.Model(entry, keras.layers.Dense(1)(found))
    model.compile("adam", "mse", metrics=["mae"])
    return model


def stateless():
    """A model whose non-trainable variables are an empty dict, which Orbax notes and stores not."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def main(folder):
    numbers = np.random.default_rng(0)
    x, y = numbers.normal(size=(16, 4)).astype("f4"), numbers.normal(size=(16, 1)).astype("f4")
    keras.layers.Dense(2)  # so that the numbers of layers begin anywhere
    model = make()
    fit = {"batch_size": 8, "shuffle": False, "verbose": 0}

    def callback(name, **more):
        place = str(folder / name)
        return keras.callbacks.OrbaxCheckpoint(place, "loss", save_on_background=False, **more)

    if os.environ["KERAS_BACKEND"] == "torch":
        model.fit(x, y, epochs=1, callbacks=[callback("torch")], **fit)
        np.savez(folder / "torch.npz", outputs=model.predict(x, verbose=0), x=x)
        return
    none = stateless()
    none.fit(x, y, epochs=1, callbacks=[callback("stateless")], **fit)
    np.savez(folder / "stateless.npz", x=x, outputs=none.predict(x, verbose=0))
    model.fit(x, y, epochs=2, callbacks=[callback("whole", max_to_keep=2)], **fit)
    outputs = model.predict(x, verbose=0)
    model.fit(x, y, epochs=1, **fit)
    later = model.predict(x, verbose=0)
    np.savez(folder / "whole.npz", x=x, y=y, outputs=outputs, later=later)
    model.fit(x, y, epochs=1, callbacks=[callback("weights", save_weights_only=True)], **fit)
    np.savez(folder / "weights.npz", x=x, outputs=model.predict(x, verbose=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
