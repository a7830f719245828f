"""A mesh's model takes its own memory when it is loaded, and little when it is saved."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

WORKER = Path(__file__).with_name("mesh_memory.py")
MB = 10**6


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("memory")
    devices = {"XLA_FLAGS": "--xla_force_host_platform_device_count=8"}
    done = subprocess.run(
        [sys.executable, str(WORKER), str(folder)],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", **devices},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return {**json.loads(done.stdout), "folder": folder}


def test_a_save_puts_some_rows_together_at_a_time(found):
    assert all(peak < 64 * MB for peak in found["save"].values()), found["save"]


def test_a_load_takes_the_memory_of_the_model(found):
    assert all(peak < 1.05 * found["model"] for peak in found["load"].values()), found


def test_the_files_are_the_same_whatever_the_mesh(found):
    files = [found["folder"] / name / "model.safetensors" for name in found["save"]]
    assert len({one.read_bytes() for one in files}) == 1
