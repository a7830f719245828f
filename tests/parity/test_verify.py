"""`verify` runs every backend for real, and finds the one that is off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import kport
from kport import Sample, formats
from kport.checkpoint import Checkpoint
from kport.errors import BackendError, PathNotFoundError, UsageError

SAVE = """
import sys
import keras
import kport
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, kernel_initializer="ones")])
kport.save(model, sys.argv[1])
"""
BACKENDS = ("tensorflow", "jax", "torch")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory, run_python: Callable[..., str]) -> Path:
    path = tmp_path_factory.mktemp("verify") / "bundle"
    run_python(SAVE, str(path), backend="torch")
    return path


def test_three_backends_agree_on_seeded_inputs(bundle: Path) -> None:
    report = kport.verify(bundle)
    assert [row.backend for row in report.rows] == list(BACKENDS)
    assert report.ok
    for row in report.rows:
        assert row.error == ""
        assert row.reference == "tensorflow"
        assert row.max_rel is not None
        assert row.max_rel <= row.tolerance == 1e-5
        assert row.load_seconds > 0


def test_wrong_outputs_are_found_against_a_sample(bundle: Path) -> None:
    inputs = np.array([[1, 2, 3]], "float32")
    right = kport.verify(bundle, backends=["jax"], sample=Sample(inputs, np.array([[6.0, 6.0]])))
    wrong = kport.verify(bundle, backends=["jax"], sample=Sample(inputs, np.array([[6.0, 6.1]])))
    assert right.ok
    assert (wrong.ok, wrong.rows[0].reference) == (False, "sample")
    assert wrong.rows[0].max_abs == pytest.approx(0.1)
    assert (right.exit_code, wrong.exit_code) == (0, 1)


def test_a_backend_that_fails_is_a_row_with_the_reason(bundle: Path, tmp_path: Path) -> None:
    read = formats.read(bundle)
    config = {**read.spec.config, "class_name": "Gone", "registered_name": "acme>Gone"}
    config |= {"module": "acme"}
    from dataclasses import replace

    missing = Checkpoint(replace(read.spec, config=config), read.tensors)
    formats.write(missing, tmp_path / "missing")
    report = kport.verify(tmp_path / "missing", backends=["jax"])
    assert not report.ok
    assert "class 'acme>Gone' (written from acme) is not registered" in report.rows[0].error
    assert report.exit_code == 3


def test_a_process_that_dies_is_a_row_too(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "deadly.py").write_text("import os\nos._exit(7)\n")
    import sys

    sys.path.append(str(tmp_path))
    try:
        report = kport.verify(bundle, backends=["jax"], imports=["deadly"])
    finally:
        sys.path.remove(str(tmp_path))
    assert report.rows[0].error.startswith("the process ended with 7")


BY_NAME = """
import keras
import kport

@kport.register("by_name")
class Named(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2)

    def call(self, *, first, second, factor=1.0):
        return self.dense(first) * factor + keras.ops.cast(second, "float32")

@keras.saving.register_keras_serializable("by_name")
class Nobodys(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2)

    def call(self, first, *, second):
        return self.dense(first) + second

    def get_config(self):
        return {}
"""
SAVE_BY_NAME = """
import sys
sys.path.append(sys.argv[1])
import numpy as np
import kport
from named import Named, Nobodys
model, x = Named(), {"first": np.ones((4, 3), "float32"), "second": np.ones((4, 2), "int32")}
model(**x)
kport.save(model, sys.argv[1] + "/alone")
kport.save(kport.load(sys.argv[1] + "/alone"), sys.argv[1] + "/again")
kport.save(model, sys.argv[1] + "/model.keras", sample=x)
model = Nobodys()
model(x["first"], second=x["second"])
kport.save(model, sys.argv[1] + "/nobodys")
"""


def test_arguments_that_go_by_name_are_made_up_or_come_with_a_sample(
    tmp_path: Path, run_python: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "named.py").write_text(BY_NAME)
    run_python(SAVE_BY_NAME, str(tmp_path), backend="torch")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match=r"does not say what inputs the model takes\n.* by name"):
        kport.verify(tmp_path / "nobodys", backends=["jax"], imports=["named"])
    assert kport.inspect(tmp_path / "alone").signature == {
        "first": {"shape": [None, 3], "dtype": "float32"},
        "second": {"shape": [None, 2], "dtype": "int32"},
    }
    both = [tmp_path / name / "kport.json" for name in ("alone", "again")]
    assert both[0].read_bytes() == both[1].read_bytes()
    assert kport.verify(tmp_path / "alone", backends=["jax"], imports=["named"]).ok
    report = kport.verify(tmp_path / "model.keras", backends=["jax"], imports=["named"])
    assert (report.ok, report.rows[0].reference) == (True, "sample")


def test_what_cannot_be_run_is_said_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(PathNotFoundError):
        kport.verify(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="unknown backends: mxnet; known: tensorflow, jax, torch"):
        kport.verify(tmp_path, backends=["mxnet"])
    with pytest.raises(UsageError, match="no path to verify"):
        kport.verify([])


def test_a_backend_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("kport.parity._verify.installed_backends", lambda: ("jax",))
    with pytest.raises(BackendError, match="not installed: torch") as caught:
        kport.verify(tmp_path, backends=["torch"])
    assert caught.value.remedy == "pip install 'keras-kport[torch]'"
