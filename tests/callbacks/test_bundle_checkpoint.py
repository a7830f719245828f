"""Training is killed, goes on and ends as if it never stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kport
from kport.callbacks import BundleCheckpoint
from kport.errors import SaveError, UsageError

pytestmark = pytest.mark.backend

X = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
Y = X.sum(axis=1, keepdims=True)

KILLED = """
import sys, keras, numpy as np, kport
x = np.ones((64, 4), "float32")
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(300), keras.layers.Dense(1)])
model.compile("adam", "mse")
each = kport.callbacks.BundleCheckpoint(sys.argv[1], save_freq=1, keep=2)
model.fit(x, x[:, :1], batch_size=2, epochs=1000, verbose=0, callbacks=[each])
"""


def make_model() -> keras.Model:
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(8, activation="relu"), keras.layers.Dropout(0.5)]
    model = keras.Sequential([keras.Input((4,)), *layers, keras.layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    return model


def fit(model: keras.Model, *callbacks: Any, epochs: int, start: int = 0, **options: Any) -> None:
    options = {"batch_size": 8, "shuffle": False, "verbose": 0, **options}
    model.fit(X, Y, epochs=epochs, initial_epoch=start, callbacks=list(callbacks), **options)


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def weights(model: keras.Model) -> list[Any]:
    return [keras.ops.convert_to_numpy(one) for one in model.variables + model.optimizer.variables]


@pytest.mark.parametrize("background", [True, False])
def test_a_resumed_run_ends_as_one_that_never_stopped(tmp_path: Path, background: bool) -> None:
    whole = make_model()
    fit(whole, epochs=4)
    first = BundleCheckpoint(tmp_path / "run", keep=2, background=background)
    assert (first.restore(), first.epoch, first.latest()) == (None, 0, None)
    fit(make_model(), first, epochs=3)
    assert names(tmp_path / "run") == ["epoch-0002-step-000000008", "epoch-0003-step-000000012"]
    second = BundleCheckpoint(tmp_path / "run", keep=2, background=background)
    resumed = second.restore()
    assert second.epoch == 3
    fit(resumed, second, epochs=4, start=3)
    assert second.latest() == tmp_path / "run" / "epoch-0004-step-000000016"
    for one, other in zip(weights(resumed), weights(whole), strict=True):
        np.testing.assert_array_equal(one, other)


def test_steps_are_counted_through_epochs(tmp_path: Path) -> None:
    fit(make_model(), BundleCheckpoint(tmp_path / "run", save_freq=3), epochs=2)
    assert names(tmp_path / "run") == [
        "epoch-0000-step-000000003",
        "epoch-0001-step-000000006",
    ]


def test_only_what_is_better_than_ever_is_saved(tmp_path: Path) -> None:
    def run(*losses: float) -> BundleCheckpoint:
        one = BundleCheckpoint(tmp_path / "run", monitor="val_loss", save_best_only=True)
        one.set_model(make_model())
        one.on_train_begin()
        for epoch, loss in enumerate(losses):
            one.on_epoch_begin(epoch)
            one.on_train_batch_end(3)
            one.on_epoch_end(epoch, {"val_loss": loss})
        one.on_train_end()
        return one

    run(2.0, float("nan"), 3.0, 1.0)
    last = run(1.5)  # another process knows of the runs before
    assert names(tmp_path / "run") == [
        "epoch-0001-step-000000004-val_loss=2.0",
        "epoch-0004-step-000000016-val_loss=1.0",
    ]
    assert last.best() == last.latest() == tmp_path / "run" / names(tmp_path / "run")[1]


def test_a_value_that_is_not_there_is_an_error_at_once(tmp_path: Path) -> None:
    watch = BundleCheckpoint(tmp_path / "run", monitor="val_loss")
    with pytest.raises(UsageError, match=r"the logs have no 'val_loss'\nThere are: loss, mae"):
        fit(make_model(), watch, epochs=1)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(SaveError, match="cannot be written"):
        fit(make_model(), BundleCheckpoint(tmp_path / "run"), epochs=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"save_best_only": True}, "save_best_only: say by monitor= which value"),
        ({"monitor": "reward"}, "mode: say 'min' or 'max', as 'reward' is no name that tells"),
        ({"monitor": "loss", "mode": "up"}, "mode: expected 'auto', 'min' or 'max', got 'up'"),
        ({"monitor": 3}, "monitor: expected a name in the logs, got 3"),
        ({"save_freq": 0}, "save_freq: expected 'epoch' or a number of steps, got 0"),
        ({"keep": 0}, "keep: expected a number of bundles or None, got 0"),
    ],
)
def test_a_wrong_argument_is_said(tmp_path: Path, options: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        BundleCheckpoint(tmp_path, **options)


def test_a_killed_run_leaves_a_folder_to_go_on_from(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with subprocess.Popen([sys.executable, "-c", KILLED, str(folder)]) as process:
        deadline = time.monotonic() + 120
        while len(list(folder.glob("epoch-*"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)  # into the middle of some save
        os.kill(process.pid, signal.SIGKILL)
    again = BundleCheckpoint(folder, save_freq=1, keep=2)
    assert kport.check(again.latest()).ok
    model = again.restore()
    before = again.latest().name
    fit(model, again, epochs=again.epoch + 1, start=again.epoch)
    assert again.latest().name > before
    assert len(names(folder)) == 2  # and nothing that the killed run left
