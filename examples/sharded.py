"""How do I train a model that many devices hold together, and serve it on one?

    KERAS_BACKEND=jax python examples/sharded.py

On JAX the model is laid out over a mesh of eight devices, here eight that the CPU plays; each
device holds an eighth of the large kernels and of their optimizer slots. What is saved is a plain
bundle: it loads under another mesh, each device reading its own part, and on PyTorch without any.
The other backends run the same lines on one device.
"""

from __future__ import annotations

import os

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"

import subprocess
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np

import kport

SERVE = """
import sys, numpy as np, keras, kport
model = kport.load(sys.argv[1], compile=False)
np.save(sys.argv[3], keras.ops.convert_to_numpy(model(np.load(sys.argv[2]))))
"""


def lay_out(rows: int, columns: int) -> None:
    """Let every later model be spread over rows x columns devices."""
    mesh = keras.distribution.DeviceMesh((rows, columns), ["batch", "model"])
    layout = keras.distribution.LayoutMap(mesh)
    layout["wide/kernel"] = (None, "model")
    layout["wide/bias"] = ("model",)
    layout["narrow/kernel"] = ("model", None)
    keras.distribution.set_distribution(
        keras.distribution.ModelParallel(layout_map=layout, batch_dim_name="batch")
    )


def main(folder: Path) -> None:
    on_jax = keras.backend.backend() == "jax"
    if on_jax:
        lay_out(2, 4)
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((16,)),
            keras.layers.Dense(256, activation="relu", name="wide"),
            keras.layers.Dense(4, name="narrow"),
        ]
    )
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(32, 16)).astype("float32")
    model.fit(x, x[:, :4], epochs=2, batch_size=16, verbose=0)
    kport.save(model, folder / "model")

    if on_jax:
        lay_out(1, 8)  # another mesh: each device reads the part that it now holds
        model = kport.load(folder / "model")
        shards = model.get_layer("wide").kernel.value.addressable_shards
        print(f"on the new mesh: {len(shards)} parts of {shards[0].data.shape}")
    outputs = keras.ops.convert_to_numpy(model(x))

    np.save(folder / "x.npy", x)
    names = (folder / name for name in ("model", "x.npy", "outputs.npy"))
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    subprocess.run([sys.executable, "-c", SERVE, *names], env=environment, check=True)  # noqa: S603  # our own lines
    difference = np.abs(np.load(folder / "outputs.npy") - outputs).max()
    print(f"served on PyTorch; the outputs differ by {difference:.1e}")
    assert difference < 1e-5


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(Path(folder))
