"""`migrate` moves a folder of old models, whatever lies in it; the processes are real ones."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import kport
from kport.errors import PathNotFoundError, UsageError
from kport.migration import MigrationReport, MigrationRow, Outcome
from kport.migration._find import models_below

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
DIGITS = ROOT / "examples" / "legacy" / "digits.h5"

KILLER = """
import os
import kport
convert = kport.convert
def killing(source, target, **options):
    if "killer" in source:
        print("killed on purpose", file=__import__("sys").stderr)
        os._exit(9)
    return convert(source, target, **options)
kport.convert = killing
"""


def disk(folder: Path) -> Path:
    """A folder as people have them: models of several kinds, parts of models, and other files."""
    shutil.copytree(GOLDEN / "training" / "nadam_2.3", folder / "exports" / "1")
    with zipfile.ZipFile(GOLDEN / "tf_2.3" / "sequential.zip") as archive:
        archive.extractall(folder / "run")
    for name in ("digits.h5", "killer.h5", "exports/1/old/digits.hdf5", ".trash/digits.h5"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DIGITS, folder / name)
    (folder / "cut.h5").write_bytes(DIGITS.read_bytes()[:5000])
    (folder / "pointer.h5").write_text("version https://git-lfs.github.com/spec/v1\n")
    (folder / "notes.txt").write_text("no model")
    np.savez(folder / "data.npz", x=np.ones(3))
    return folder


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return disk(tmp_path_factory.mktemp("migrate") / "old")


@pytest.fixture(scope="module")
def report(old: Path) -> MigrationReport:
    """The report of a migration to a folder inside the old one, in which one process is killed."""
    (old.parent / "killer_of_these_tests.py").write_text(KILLER)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(old.parent)
        kport.convert(DIGITS, old / "now.keras")
        return kport.migrate(old, old / "new", imports=["killer_of_these_tests"], jobs=2)


def of(report: MigrationReport, name: str) -> MigrationRow:
    (row,) = (row for row in report.rows if Path(row.source) == Path(report.source) / name)
    return row


def test_every_model_is_found_once_and_nothing_else(report: MigrationReport) -> None:
    assert [Path(row.source).relative_to(report.source).as_posix() for row in report.rows] == [
        "cut.h5",
        "digits.h5",
        "killer.h5",
        "now.keras",
        "pointer.h5",
        "exports/1",
        "exports/1/old/digits.hdf5",
        "run/model.h5",
        "run/model.json",
        "run/weights.h5",
        "run/ckpt/ckpt.index",
    ]
    assert report.counts == {
        "migrated": 4,
        "current": 1,
        "weights": 2,
        "definition": 1,
        "refused": 3,
    }
    assert report.exit_code == 3
    assert str(report) == "4 migrated, 1 current, 2 weights, 1 definition, 3 refused"


@pytest.mark.parametrize("name", ["digits.h5", "exports/1", "exports/1/old/digits.hdf5"])
def test_a_model_is_what_a_conversion_alone_makes_of_it(
    report: MigrationReport, name: str, tmp_path: Path
) -> None:
    row = of(report, name)
    assert (row.outcome, row.exit_code) == (Outcome.MIGRATED, 0)
    assert row.seconds > 0
    alone = kport.convert(row.source, tmp_path / "alone.keras")
    assert row.detail == str(alone.report)
    assert Path(row.target).read_bytes() == (tmp_path / "alone.keras").read_bytes()


def test_what_is_no_whole_model_says_what_to_do(report: MigrationReport) -> None:
    assert of(report, "run/weights.h5").outcome is Outcome.WEIGHTS
    assert "kport.load_weights(model, path)" in of(report, "run/weights.h5").detail
    assert of(report, "run/model.json").outcome is Outcome.DEFINITION
    assert "run 'git lfs pull'" in of(report, "pointer.h5").detail
    assert "cut.h5" in of(report, "cut.h5").detail


def test_a_process_that_dies_costs_one_model(report: MigrationReport) -> None:
    row = of(report, "killer.h5")
    assert (row.outcome, row.target, row.exit_code) == (Outcome.REFUSED, "", 3)
    assert row.detail == "the process ended with 9: killed on purpose"


def test_the_folder_keeps_the_report(report: MigrationReport) -> None:
    told = json.loads((Path(report.target) / "migration.json").read_text())
    assert told == json.loads(json.dumps(report.to_json()))


def test_it_goes_on_where_it_was_broken_off(old: Path, report: MigrationReport) -> None:
    gone = Path(of(report, "digits.h5").target)
    before = gone.read_bytes()
    gone.unlink()
    steps: list[tuple[int, int, str]] = []
    again = kport.migrate(old, old / "new", progress=lambda *step: steps.append(step))
    assert again.counts["migrated"] == 2  # and what was killed
    assert again.counts["present"] == 3
    assert gone.read_bytes() == before
    assert steps[0] == (0, 5, str(old / "digits.h5"))
    assert [done for done, _, _ in steps] == [0, 1, 2, 3, 4]


def test_two_of_one_name_keep_their_endings(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    for name in ("a.h5", "a.hdf5", "b.h5"):
        shutil.copy(DIGITS, tmp_path / "old" / name)
    report = kport.migrate(tmp_path / "old", tmp_path / "new", to="bundle")
    targets = [Path(row.target).name for row in report.rows]
    assert targets == ["a.h5.bundle", "a.hdf5.bundle", "b.bundle"]
    assert kport.diff(tmp_path / "new" / "a.h5.bundle", tmp_path / "new" / "b.bundle").same


def test_every_checkpoint_of_a_folder_is_found(tmp_path: Path) -> None:
    for epoch in (1, 2):
        for ending in (".index", ".data-00000-of-00001"):
            source = GOLDEN / "training" / "nadam_2.3" / "variables" / f"variables{ending}"
            shutil.copy(source, tmp_path / f"epoch_{epoch}{ending}")
    found = [one.path.name for one in models_below(tmp_path, tmp_path / "new")]
    assert found == ["epoch_1.index", "epoch_2.index"]


def test_a_folder_that_cannot_be_looked_into_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    scandir = os.scandir

    def guarded(path: str) -> Iterator[os.DirEntry[str]]:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)  # the user of the tests may be root
    (found,) = models_below(tmp_path, tmp_path / "new")
    assert str(found.error) == f"{tmp_path / 'closed'}: cannot be looked into: Permission denied"


def test_a_folder_that_is_the_model_itself(tmp_path: Path) -> None:
    report = kport.migrate(GOLDEN / "training" / "nadam_2.3", tmp_path / "new")
    assert [Path(row.target).name for row in report.rows] == ["nadam_2.3.keras"]


def test_nothing_to_do_is_no_error(tmp_path: Path) -> None:
    report = kport.migrate(tmp_path, tmp_path / "new")
    assert (report.rows, report.exit_code, str(report)) == ((), 0, "nothing")


def test_wrong_arguments_are_told_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(PathNotFoundError, match="is no folder"):
        kport.migrate(tmp_path / "none", tmp_path)
    with pytest.raises(PathNotFoundError, match=r"kport\.convert\(src, dst\)"):
        kport.migrate(DIGITS, tmp_path)
    with pytest.raises(UsageError, match="is the source and the target"):
        kport.migrate(tmp_path, tmp_path / "." / "")
    with pytest.raises(UsageError, match="expected one of keras, bundle"):
        kport.migrate(tmp_path, tmp_path / "new", to="h5")
    with pytest.raises(UsageError, match="jobs=0"):
        kport.migrate(tmp_path, tmp_path / "new", jobs=0)


def test_a_module_that_is_not_there_stops_it(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    shutil.copy(DIGITS, tmp_path / "old")
    with pytest.raises(UsageError, match="cannot import module 'no_such_module_at_all'"):
        kport.migrate(tmp_path / "old", tmp_path / "new", imports=["no_such_module_at_all"])
    assert not (tmp_path / "new" / "digits.keras").exists()
