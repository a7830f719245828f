"""Every known attack on model files, tried on every entrance, in a process that is watched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from . import bundles, configs, hdf5, savedmodels, zips
from .table import ATTACKS, Attack

ROOT = Path(__file__).resolve().parents[2]
ROOMS = (bundles, configs, hdf5, savedmodels, zips)  # importing them fills the table
PLAIN = ("read", "inspect", "check", "diff")
LIVE = ("load", "load_weights", "convert")
REFUSING = {
    "read": LIVE,
    "model": ("load", "convert"),
    "build": ("load",),
    "load": ("load", "convert"),
    "part": ("part",),
}
SECONDS = 5
KILOBYTES = 300_000

BY_NAME = {one.name: one for one in ATTACKS}


def results(folder: Path, jobs: list[tuple[Attack, str]], backend: str) -> dict[str, dict]:
    """Return ``name entrance`` -> what the runner saw."""
    secret = folder / "secret.txt"
    secret.write_text("nobody reads this")
    listed, paths = [], {}
    for number, (one, entrance) in enumerate(jobs):
        if one.name not in paths:
            place = folder / str(number)
            place.mkdir()
            paths[one.name] = str(one.build(place, secret))
        listed.append((one.name, paths[one.name], entrance))
    (folder / "jobs.json").write_text(json.dumps(listed))
    ours = ("KERAS_BACKEND", "JAX_COMPILATION_CACHE_DIR")  # the cache would be written to
    env = {name: value for name, value in os.environ.items() if name not in ours}
    env |= {"KERAS_BACKEND": backend} if backend else {}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("runner.py")), str(folder / "jobs.json")],
        capture_output=True,
        text=True,
        cwd=folder,
        env=env,
        check=False,
        timeout=600,
    )
    assert not (folder / "canary").exists(), "an attack ran code"
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(lines) == len(listed), f"it died of {listed[len(lines)]}: {done.stderr[-3000:]}"
    return {f"{one['name']} {one['entrance']}": one for one in lines}


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    jobs = [(one, entrance) for one in ATTACKS for entrance in PLAIN]
    return results(tmp_path_factory.mktemp("plain"), jobs, "")


@pytest.fixture(scope="session")
def live(tmp_path_factory):
    jobs = [(one, entrance) for one in ATTACKS for entrance in entrances_of(one)]
    return results(tmp_path_factory.mktemp("live"), jobs, os.environ["KERAS_BACKEND"])


def entrances_of(one: Attack) -> tuple[str, ...]:
    return ("part",) if one.at == "part" else LIVE


def test_every_attack_has_a_name_of_its_own():
    assert len(BY_NAME) == len(ATTACKS) >= 150


def harmless(result: dict) -> None:
    assert result["seen"] == []
    assert result["seconds"] < SECONDS
    assert result["grown_kb"] < KILOBYTES


def refused(one: Attack, result: dict) -> None:
    assert result["error"], "it was taken"
    assert not one.error or result["error"] == one.error, result["text"]
    assert one.words in result["text"]


@pytest.mark.parametrize("name", BY_NAME)
def test_to_look_at_it_does_no_harm(name, plain):
    one = BY_NAME[name]
    for entrance in PLAIN:
        harmless(plain[f"{name} {entrance}"])
    if one.at in ("read", "model"):
        refused(one, plain[f"{name} read"])


@pytest.mark.backend
@pytest.mark.parametrize("name", BY_NAME)
def test_to_load_it_is_refused(name, live):
    one = BY_NAME[name]
    for entrance in entrances_of(one):
        result = live[f"{name} {entrance}"]
        harmless(result)
        if one.at == "never":
            assert not result["error"]
        elif entrance in REFUSING[one.at]:
            refused(one, result)


def test_html_in_a_name_is_shown_and_not_obeyed(tmp_path):
    path = BY_NAME["html in every name"].build(tmp_path, tmp_path / "secret.txt")
    card = (path / "README.md").read_text()
    assert "<script" not in card
    assert "[x](" not in card
    assert "\x1b" not in card
