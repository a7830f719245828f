"""What saving and loading import, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

pytestmark = pytest.mark.backend

QUANTIZED = """
import sys
import keras, kport
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
model.quantize("int8")
had = "tensorflow" in sys.modules
kport.save(model, sys.argv[1])
kport.load(sys.argv[1])
print(had, "tensorflow" in sys.modules)
"""


UNREGISTERED = """
import sys
import keras, kport

class Net(keras.Model):
    def __init__(self, units=3):
        super().__init__()
        self.units = units
        self.dense = keras.layers.Dense(units)

    def call(self, x):
        return self.dense(x)

model = Net(5)
model(keras.ops.ones((1, 2)))
had = "tensorflow" in sys.modules
kport.save(model, sys.argv[1])
kport.load(sys.argv[1], custom_objects={"Net": Net})
print(had, "tensorflow" in sys.modules)
"""


@pytest.mark.parametrize("script", [QUANTIZED, UNREGISTERED], ids=["quantized", "unregistered"])
def test_a_model_is_saved_and_loaded_without_tensorflow(tmp_path: Path, script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "model")],
        capture_output=True,
        text=True,
        env=os.environ,
        check=True,
    )
    before, after = done.stdout.split()
    assert after == before == str(keras.backend.backend() == "tensorflow")
