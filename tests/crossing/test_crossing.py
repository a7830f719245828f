"""What one backend saves comes back whole on each, out of both formats, in a new process.

Every scenario of tests/support/scenarios crosses, and every training of tests/support/resume.py
goes on. One process a backend saves, then one a backend loads: ``-k torch-jax`` runs what that
pair needs alone. Where both formats are read to one and the same Checkpoint, of which the same code
makes a model, a backend loads both of what it wrote itself, and of what others wrote one and the
other in turn.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import pytest

BACKENDS = ("tensorflow", "jax", "torch")
PAIRS = [f"{source}-{target}" for source, target in product(BACKENDS, BACKENDS)]
SAME = [f"{one}-{one}" for one in BACKENDS]
WORKER = Path(__file__).with_name("worker.py")
FILES = ("model.keras", "bundle")
AT_ONCE = 2  # processes; each is busy on one core
CURVE = 1e-5  # how far losses of three steps in float32 may be apart, relative
# `update_step` of keras/src/optimizers/schedule_free_adamw.py (3.15) keeps the old momentum as
# ``momentum.value``: on JAX that is a value, elsewhere the variable itself, which the step changes.
# So JAX takes another step from the same state: 1.1e-2 measured.
CURVE_FROM_OR_TO_JAX = {"schedule_free": 2e-2}

Told = Mapping[str, Any]


def run(backend: str, *arguments: object) -> None:
    """Run the worker on a backend; its own words are the failure's."""
    done = subprocess.run(
        [sys.executable, str(WORKER), *map(str, arguments)],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{backend} {arguments}: {done.stderr[-3000:]}"


def run_all(rows: Iterable[tuple[object, ...]]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda row: run(*row), rows))


@pytest.fixture(scope="session")
def crossings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Each pair that a test asks for -> each scenario and training -> what came of it."""
    root = tmp_path_factory.mktemp("crossing")
    specs = [getattr(item, "callspec", None) for item in request.session.items]
    asked = {spec.params.get("pair") for spec in specs if spec is not None}
    pairs = [pair.split("-") for pair in PAIRS if pair in asked]
    sources = sorted({source for source, _ in pairs})
    targets = sorted({one for pair in pairs for one in pair})  # a source is its own measure
    run_all((source, "save", root / source) for source in sources)
    folders = [root / source for source in sources]
    run_all((target, "load", root / f"{target}.json", *folders) for target in targets)
    told = {source: json.loads((root / source / "told.json").read_text()) for source in sources}
    for target in targets:
        loaded = json.loads((root / f"{target}.json").read_text())
        told |= {f"{source}-{target}": answer for source, answer in loaded.items()}
    return told


@pytest.fixture
def crossed(crossings: Told, pair: str) -> Told:
    """What came of one pair, where nothing failed."""
    failed = {name: one["error"] for name, one in crossings[pair].items() if "error" in one}
    assert failed == {}
    return crossings[pair]


def of_scenarios(crossed: Told, key: str) -> dict[str, Any]:
    """Return scenario and file -> what was found under a key."""
    return {
        f"{name}/{file}": one[key]
        for name, files in crossed.items()
        for file, one in files.items()
        if file in FILES and key in one
    }


def trainings(crossed: Told) -> dict[str, Any]:
    return {name: one for name, one in crossed.items() if "curve" in one}


@pytest.mark.parametrize("pair", PAIRS)
def test_every_scenario_of_the_source_arrives(crossings: Told, crossed: Told, pair: str) -> None:
    written = crossings[pair.split("-")[0]]
    assert {n: one["error"] for n, one in written.items() if "error" in one} == {}
    assert [name for name, one in written.items() if one.get("spread", 1) < 1e-3] == []
    assert set(crossed) == set(written)


@pytest.mark.parametrize("pair", PAIRS)
def test_values_are_the_same_bit_for_bit(crossed: Told, pair: str) -> None:
    found = of_scenarios(crossed, "differing")
    assert len(found) > 100
    assert {name: one for name, one in found.items() if one} == {}


@pytest.mark.parametrize("pair", PAIRS)
def test_flags_policies_and_all_else_are_the_same(crossed: Told, pair: str) -> None:
    found = of_scenarios(crossed, "changed")
    assert {name: one for name, one in found.items() if one} == {}


@pytest.mark.parametrize("pair", PAIRS)
def test_outputs_agree(crossed: Told, pair: str) -> None:
    if pair in SAME:
        found = of_scenarios(crossed, "equal")
        assert [name for name, equal in found.items() if not equal] == []
        return
    apart, allowed = of_scenarios(crossed, "apart"), of_scenarios(crossed, "tolerance")
    assert {name: one for name, one in apart.items() if not one <= allowed[name]} == {}


@pytest.mark.parametrize("pair", SAME)
def test_training_goes_on_bit_for_bit(crossed: Told, pair: str) -> None:
    found = trainings(crossed)
    assert len(found) > 20
    assert {name: one["differing"] for name, one in found.items() if one["differing"]} == {}


@pytest.mark.parametrize("pair", PAIRS)
def test_training_goes_on_alike(crossings: Told, crossed: Told, pair: str) -> None:
    source, target = pair.split("-")
    own, found = trainings(crossings[f"{source}-{source}"]), trainings(crossed)
    apart = {
        name: max(abs(a / b - 1) for a, b in zip(one["curve"], own[name]["curve"], strict=True))
        for name, one in found.items()
    }
    allowed = CURVE_FROM_OR_TO_JAX if (source == "jax") != (target == "jax") else {}
    assert {name: one for name, one in apart.items() if not one <= allowed.get(name, CURVE)} == {}
