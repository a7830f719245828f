"""What torch.distributed.checkpoint writes from two processes is read as it was saved."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import kport
from kport import formats

WORKER = Path(__file__).with_name("dcp_worker.py")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dcp")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, str(WORKER), str(folder)]
    pipes = {"stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen([*command, rank, port], **pipes) for rank in "01"]
    for one in both:
        error = one.communicate(timeout=120)[1]
        assert one.returncode == 0, error[-2000:]
    return folder


@pytest.mark.parametrize("name", ["sharded_only", "both", "both/sharded"])
def test_tensors_are_whole_again(name: str, saved: Path, tmp_path: Path) -> None:
    kport.convert(saved / name, tmp_path / "net", weights_only=True)
    for path in (saved / name, tmp_path / "net"):
        tensors = formats.read(path).tensors
        assert sorted(tensors) == ["net.columns.kernel", "net.rows.bias", "net.rows.kernel"]
        rows = np.arange(24, dtype="f4").reshape(6, 4)
        np.testing.assert_array_equal(tensors["net.rows.kernel"].read(), rows)
        columns = np.arange(15).reshape(3, 5).astype(ml_dtypes.bfloat16)
        np.testing.assert_array_equal(tensors["net.columns.kernel"].read(), columns)
        part = (slice(1, 3), slice(2, 5))
        np.testing.assert_array_equal(tensors["net.columns.kernel"].read(part), columns[part])
