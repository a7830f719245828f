"""The golden files: where they are, what they hold, and what of a user's own code they need."""

import json
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1] / "golden"
WHOLE = ("model.h5", "model.keras", "savedmodel")
WEIGHTS = ("weights.h5", "v3.weights.h5", "ckpt")


@dataclass(frozen=True)
class Golden:
    """One case of one version, unpacked in a folder."""

    name: str
    folder: Path

    @cached_property
    def facts(self):
        return json.loads((self.folder / "case.json").read_text())

    @cached_property
    def io(self):
        with np.load(self.folder / "io.npz", allow_pickle=False) as archive:
            return dict(archive)

    def arrays(self, stem):
        found = sorted(name for name in self.io if name.startswith(stem))
        # JAX has no int64 unless told to.
        return [
            self.io[name].astype("int32") if self.io[name].dtype == "int64" else self.io[name]
            for name in found
        ]

    def files(self, names):
        return [name for name in names if name in self.facts["files"]]


def names():
    """Return ``VERSION/CASE`` of every golden file."""
    found = sorted(ROOT.glob("*/*.zip"))
    return [f"{path.parent.name}/{path.stem}" for path in found]


def unpacked(name, folder):
    """Return a case, its files in the folder."""
    with zipfile.ZipFile(ROOT / f"{name}.zip") as archive:
        archive.extractall(folder)
    return Golden(name, folder)


def custom_objects():
    """Return the classes that the cases `custom` and `subclassed` need, in the words of Keras 3."""
    import keras

    class Scaled(keras.layers.Layer):
        def __init__(self, units=3, power=2.0, **kwargs):
            super().__init__(**kwargs)
            self.units, self.power = units, power

        def build(self, shape):
            self.scale = self.add_weight(shape=(shape[-1], self.units), name="scale")

        def call(self, x):
            return keras.ops.matmul(x**self.power, self.scale)

        def get_config(self):
            return {**super().get_config(), "units": self.units, "power": self.power}

    class Tower(keras.Model):
        def __init__(self, **kwargs):
            super().__init__(name="tower")
            self.first = keras.layers.Dense(4, activation="tanh", name="first")
            self.norm = keras.layers.BatchNormalization(name="norm")
            self.rest = [keras.layers.Dense(4, name="rest_0"), keras.layers.Dense(2, name="rest_1")]

        def call(self, x, training=None):
            x = self.norm(self.first(x), training=training)
            return self.rest[1](self.rest[0](x) + x)

        def get_config(self):
            return {}

    return {"Scaled": Scaled, "Tower": Tower}


def lambdas():
    """Return the functions of the case `lambdas`, by layer."""
    from keras import ops

    return {
        "pixels": lambda x: x / 127.5 - 1.0,
        "mean": lambda x: ops.mean(x, axis=1),
        "unit": lambda x: ops.normalize(x, axis=-1, epsilon=1e-12),
        "last": lambda x: x[:, -1, :],
        "apart": lambda xs: ops.abs(xs[0] - xs[1]),
        "odd": lambda x: ops.sqrt(x * x + 0.5) * 3,
    }
