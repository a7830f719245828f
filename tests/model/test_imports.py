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


def test_a_quantized_model_is_saved_and_loaded_without_tensorflow(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", QUANTIZED, str(tmp_path / "model")],
        capture_output=True,
        text=True,
        env=os.environ,
        check=True,
    )
    before, after = done.stdout.split()
    assert after == before == str(keras.backend.backend() == "tensorflow")
