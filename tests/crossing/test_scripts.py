"""A model whose classes stand undecorated in a script is loaded, verified and converted elsewhere.

Its classes are of the module ``__main__`` there and of the script's own name here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SCRIPT = """
import keras
import kport
import numpy as np


def doubled(x):
    return 2 * keras.ops.relu(x)


class Block(keras.layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.dense = keras.layers.Dense(units, activation=doubled)

    def call(self, x):
        return self.dense(x)


class Net(keras.Model):
    def __init__(self, units):
        super().__init__()
        self.units = units
        self.block = Block(units)

    def call(self, x):
        return self.block(x)


if __name__ == "__main__":
    x = np.ones((2, 4), "float32")
    net = Net(3)
    net(x)
    kport.save(net, "net.keras")
    stack = keras.Sequential([keras.Input((4,)), Block(3), keras.layers.Dense(2, doubled)])
    kport.save(stack, "stack", sample=x)
    stack.save("plain.keras")
"""
LAYERS = """
import keras


class Scaled(keras.layers.Layer):
    def __init__(self, units=3, power=2.0, **kwargs):
        super().__init__(**kwargs)
        self.units, self.power = units, power

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1], self.units), name="scale")

    def call(self, x):
        return keras.ops.matmul(x**self.power, self.scale)
"""
CUSTOM = Path(__file__).parents[1] / "golden" / "tf_2.12" / "custom.zip"  # has a Scaled


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("scripts")
    (found / "train.py").write_text(SCRIPT)
    (found / "others.py").write_text("import keras\n\n\nclass Net(keras.Model):\n    pass\n")
    done = run(found, "train.py")
    assert done.returncode == 0, done.stderr
    return found


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=False,
    )


def kport(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(folder, "-m", "kport", *arguments)


def test_verify_takes_the_classes_of_a_module_that_is_named(folder: Path) -> None:
    done = kport(
        folder, "verify", "net.keras", "stack", "--import", "train", "--import", "train:doubled"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" ok ") == 6


def test_a_function_is_taken_only_where_it_is_named(folder: Path) -> None:
    done = kport(folder, "verify", "stack", "--import", "train", "--backend", "jax")
    assert done.returncode == 3
    said = " ".join(done.stdout.split())
    assert "function 'doubled' is not registered" in said
    assert "for a function MODULE:NAME" in said
    assert "Block" not in said


def test_convert_takes_them_as_well(folder: Path) -> None:
    assert kport(folder, "convert", "plain.keras", "copy").returncode == 3
    named = ("--import", "train", "--import", "train:doubled")
    done = kport(folder, "convert", "plain.keras", "copy", *named)
    assert done.returncode == 0, done.stdout + done.stderr


def test_migrate_takes_them_as_well(folder: Path) -> None:
    (folder / "old_layers.py").write_text(LAYERS)
    (folder / "old").mkdir()
    with zipfile.ZipFile(CUSTOM) as archive:
        (folder / "old" / "model.h5").write_bytes(archive.read("model.h5"))
    done = kport(folder, "migrate", "old", "new")
    assert (done.returncode, "1 refused" in done.stdout) == (3, True)
    done = kport(folder, "migrate", "old", "new", "--import", "old_layers")
    assert (done.returncode, "1 migrated" in done.stdout) == (0, True), done.stdout + done.stderr


def test_two_classes_of_one_name_are_an_error(folder: Path) -> None:
    done = kport(folder, "verify", "stack", "--import", "train", "--import", "others")
    assert done.returncode == 2
    assert "others has another 'Net'" in done.stdout + done.stderr
