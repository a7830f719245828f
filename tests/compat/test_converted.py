"""A model converted from an old file loads in a process that knows nothing of old files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.backend

SAVE = """
import sys, keras, kport
from kport_compat.layers import register
register()
layer = keras.saving.get_registered_object("kport>ThresholdedReLU")(theta=0.5)
kport.save(keras.Sequential([keras.Input((3,)), layer]), sys.argv[1])
"""
LOAD = """
import sys, kport
print(type(kport.load(sys.argv[1]).layers[0]).__name__)
"""


@pytest.mark.parametrize("target", ["model.keras", "bundle"])
def test_kports_own_layers_are_found(
    target: str, tmp_path: Path, run_python: Callable[..., str]
) -> None:
    backend = os.environ["KERAS_BACKEND"]
    run_python(SAVE, str(tmp_path / target), backend=backend)
    assert run_python(LOAD, str(tmp_path / target), backend=backend).split() == ["ThresholdedReLU"]
