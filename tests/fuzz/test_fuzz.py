"""A short run of ``make fuzz``, and every input that it ever found wanting."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from fuzz import CORPUS, attempt
from targets import TARGETS

RUNS = 150
BY_JSON = ("safetensors header", "manifest", "bundle", "Keras 2 config")


@pytest.fixture(scope="module")
def table():
    script = str(Path(__file__).with_name("fuzz.py"))
    done = subprocess.run(
        [sys.executable, script, "--runs", str(RUNS), "--no-keep"],
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines()]
    return {row[0]: row[1:] for row in rows[2:]}, done.stderr


@pytest.mark.parametrize("name", TARGETS)
def test_changed_files_give_a_model_or_an_error_of_ours(table, name):
    rows, words = table
    runs, _, crashes, hangs, foreign, _ = rows[name]
    assert (runs, crashes, hangs, foreign) == (str(RUNS), "0", "0", "0"), words


@pytest.mark.parametrize("name", BY_JSON)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(chance=st.randoms(use_true_random=False))
def test_changed_documents(name, chance):
    target = TARGETS[name]
    seed = chance.choice(list(target.seeds()))
    outcome, words = attempt(target, target.mutate(seed, chance))
    assert outcome in {"taken", "refused"}, words


@pytest.mark.parametrize("name", TARGETS)
def test_good_files_are_taken_and_old_finds_refused(name):
    for data in TARGETS[name].seeds():
        assert attempt(TARGETS[name], data) == ("taken", "")
    for place in sorted((CORPUS / name.replace(" ", "_")).glob("*.bin")):
        outcome, words = attempt(TARGETS[name], place.read_bytes())
        assert outcome in {"taken", "refused"}, f"{place.name}: {words}"
