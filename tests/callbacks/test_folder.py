"""The names of checkpoints say all there is to know of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kport.callbacks._folder import Folder, Stamp

STAMPS = [
    Stamp(3, 120),
    Stamp(3, 120, "val_loss", 0.25),
    Stamp(12345, 12345678901, "a/b metric=x", -1e-07),
    Stamp(0, 1, "loss", float("inf")),
]


@pytest.mark.parametrize("stamp", STAMPS, ids=lambda one: one.name)
def test_a_name_is_read_as_it_was_written(stamp: Stamp) -> None:
    assert Stamp.parse(stamp.name, stamp.monitor) == stamp
    assert "/" not in stamp.name


def test_a_value_of_another_monitor_is_none() -> None:
    assert Stamp.parse(Stamp(1, 2, "val_loss", 0.5).name, "accuracy") == Stamp(1, 2)
    assert Stamp.parse("epoch-0001-step-000000002-loss=?", "loss") == Stamp(1, 2)
    assert Stamp.parse("bundle", "loss") is None


def test_the_latest_and_the_best_are_kept(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "run", "loss")
    assert folder.checkpoints() == []
    for step, loss in enumerate([3.0, 1.0, 2.0, 4.0], start=1):
        (folder.path / Stamp(step, step, "loss", loss).name / "assets").mkdir(parents=True)
    (folder.path / "notes").mkdir()
    (folder.path / ".trash-of-a-killed-run").mkdir()
    folder.prune(1, Stamp(2, 2, "loss", 1.0))
    assert sorted(one.name for one in folder.path.iterdir()) == [
        "epoch-0002-step-000000002-loss=1.0",
        "epoch-0004-step-000000004-loss=4.0",
        "notes",
    ]


def test_the_room_is_imported_without_a_backend(run_python) -> None:
    code = "import sys, kport.callbacks as c; print(dir(c), 'keras' in sys.modules)"
    assert run_python(code) == "['BundleCheckpoint'] False\n"
