"""Models that the devices of a mesh hold together: by one process with eight, by two with four."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

WORKER = Path(__file__).with_name("mesh_worker.py")


def start(*steps: str, backend: str = "jax", devices: int = 8, **more: str) -> Any:
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        **more,
    }
    return subprocess.Popen(
        [sys.executable, str(WORKER), *steps], env=environment, stderr=subprocess.PIPE, text=True
    )


def finish(*processes: Any) -> None:
    for one in processes:
        error = one.communicate(timeout=240)[1]
        assert one.returncode == 0, error[-3000:]


def pair(*steps: str) -> list[Any]:
    """Start the worker in two processes, with four devices each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    return [start(*steps, devices=4, RANK=str(rank), PORT=port) for rank in (0, 1)]


def contents(bundle: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in bundle.iterdir() if one.is_file()}


class Runs:
    """Everything the tests look at, made by as few processes as it can be."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.one, self.two = folder, folder / "one", folder / "two"
        self.one.mkdir()
        self.two.mkdir()
        layouts = ("grid", "wide", "data", "plain")
        loads = [self._load(layout, "one") for layout in layouts]
        finish(start(f"train,grid,{self.one}", *loads))
        saves = [f"save,{layout},{self.one},{folder}/{layout}" for layout in ("grid", "data")]
        finish(*pair(f"train,wide,{self.two}", self._load("wide", "two"), *saves))
        finish(start(self._load("grid", "two"), self._load("plain", "two", "-alone")))
        loads = [self._load("plain", source, "-torch") for source in ("one", "two")]
        finish(start(*loads, backend="torch"))

    def _load(self, layout: str, source: str, mark: str = "") -> str:
        return f"load,{layout},{self.folder / source},{self.folder}/{layout}-{source}{mark}"

    def answer(self, name: str, rank: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / f"{name}.{rank}.json").read_text())
        return found


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("mesh"))


def test_training_goes_on_under_the_mesh_as_if_never_stopped(runs: Runs) -> None:
    found = runs.answer("grid-one")
    assert found["laid out"] == found["saved"] == found["later"] == []
    assert found["own"] <= found["read"] <= 1.05 * found["own"]


@pytest.mark.parametrize(
    "name", ["wide-one", "data-one", "plain-one", "grid-two", "plain-two-alone"]
)
def test_a_model_loads_on_another_mesh_or_on_none(name: str, runs: Runs) -> None:
    found = runs.answer(name)
    assert found["laid out"] == found["saved"] == []


@pytest.mark.parametrize("source", ["one", "two"])
def test_a_model_of_a_mesh_loads_on_torch(source: str, runs: Runs) -> None:
    assert runs.answer(f"plain-{source}-torch")["saved"] == []


@pytest.mark.parametrize("rank", [0, 1])
def test_each_of_two_processes_reads_its_own_bytes_and_trains_on(rank: int, runs: Runs) -> None:
    found = runs.answer("wide-two", rank)
    assert found["laid out"] == found["saved"] == found["later"] == []
    assert found["own"] <= found["read"] <= 1.05 * found["own"]
    files = contents(runs.two / "bundle").items()
    assert found["read"] < 0.6 * sum(len(one) for name, one in files if "safetensors" in name)


@pytest.mark.parametrize("layout", ["grid", "data"])
def test_two_processes_write_the_bundle_that_one_writes(layout: str, runs: Runs) -> None:
    assert contents(runs.folder / layout) == contents(runs.one / "bundle")


def test_a_process_killed_in_a_save_leaves_the_old_bundle(runs: Runs) -> None:
    before = contents(runs.two / "bundle")
    processes = pair(f"die,wide,{runs.two}")
    processes[1].communicate(timeout=120)
    assert processes[1].returncode == -signal.SIGKILL
    processes[0].kill()  # it would wait for the other one until the network gives up
    processes[0].communicate()
    assert contents(runs.two / "bundle") == before
