"""A short run of ``make torture``: always the whole old or the whole new model, nothing left."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("torture.py")
SHORT = ("--kills", "10", "--full", "5", "--saves", "15", "--cycles", "50", "--json")


@pytest.fixture(scope="module")
def rows():
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *SHORT], capture_output=True, text=True, check=False
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == 18, done.stderr
    return {(one["trouble"], one["target"]): one for one in found}


@pytest.mark.parametrize("target", ["bundle", "model.keras"])
@pytest.mark.parametrize(
    ("trouble", "tries", "refused"),
    [
        ("killed while saving", 10, 0),
        ("disk full (tmpfs)", None, None),
        ("disk full (RLIMIT_FSIZE)", 5, None),
        ("fsync fails", None, None),
        ("no permission", 1, 1),
        ("read-only file system", None, None),
        ("two writers, one reader", 30, 0),
        ("save and load again and again", 50, 0),
        ("16 threads read", 320, 0),
    ],
)
def test_the_model_is_whole_and_nothing_is_left(rows, target, trouble, tries, refused):
    row = rows[trouble, target]
    assert row["broken"] == []
    assert row["strays"] == 0
    assert tries is None or row["tries"] == tries
    assert refused is None or (row["refused"], row["saved"]) == (refused, row["tries"] - refused)


def test_a_save_that_cannot_be_finished_says_so(rows):
    assert rows["disk full (RLIMIT_FSIZE)", "bundle"]["refused"] > 0
    assert rows["fsync fails", "bundle"]["refused"] == rows["fsync fails", "bundle"]["tries"] > 5
    assert rows["fsync fails", "model.keras"]["refused"] == 2
