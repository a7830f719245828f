"""Save or load the zoo on one backend; run by test_crossing.py in a process of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import zoo
from scenarios import SCENARIOS, called, fingerprint, values

import kport

FORMATS = {"keras": "model.keras", "bundle": "bundle"}
# Integers have no gradient to train through on every backend.
TRAINED = set(zoo.KINDS) - {"preprocessing"}


def save(folder: Path, names: list[str]) -> None:
    """Write every kind of model in every format, and what it computes."""
    for kind in zoo.KINDS:
        model, inputs = zoo.build(kind)
        if kind in TRAINED:
            zoo.train(model, inputs)
        _write(folder / kind, model, partial(zoo.outputs, inputs=inputs))
    for name in names:
        model, call = SCENARIOS[name]()
        called(model, call)
        _write(folder / name, model, partial(called, call=call))


def _write(place: Path, model: keras.Model, run: Callable[[keras.Model], Any]) -> None:
    place.mkdir(parents=True)
    for name in FORMATS.values():
        kport.save(model, place / name)
    np.savez(place / "weights.npz", **values(model))
    (place / "fingerprint.json").write_text(json.dumps(fingerprint(model)))
    outputs = run(model)  # last, since it moves the state of a stateful model
    assert np.ptp(outputs) > 1e-3, f"{place.name} computes a constant, which proves nothing"
    np.savez(place / "outputs.npz", outputs=outputs)


def load(folder: Path, answer: Path, names: list[str]) -> None:
    """Read all of it back, and write what differs."""
    found = {}
    for kind in zoo.KINDS:
        inputs = zoo.build(kind)[1]
        run = partial(zoo.outputs, inputs=inputs)
        found |= _compare(folder / kind, run)
    for name in names:
        found |= _compare(folder / name, partial(called, call=SCENARIOS[name]()[1]))
    answer.write_text(json.dumps(found))


def _compare(place: Path, run: Callable[[keras.Model], Any]) -> dict[str, Any]:
    return {f"{place.name}-{key}": _one(place, key, run) for key in FORMATS}


def _one(place: Path, key: str, run: Callable[[keras.Model], Any]) -> dict[str, Any]:
    model = kport.load(place / FORMATS[key])
    ours = values(model)
    told = json.loads((place / "fingerprint.json").read_text())
    now = json.loads(json.dumps(fingerprint(model)))
    with np.load(place / "weights.npz") as stored:
        differing = [
            name
            for name in stored.files
            if not (name in ours and np.array_equal(ours[name], stored[name]))
        ]
    with np.load(place / "outputs.npz") as stored:
        expected = stored["outputs"]
    return {
        "differing": differing,
        "relative": float(np.abs(run(model) - expected).max() / np.abs(expected).max()),
        "changed": [part for part in told if told[part] != now[part]],
    }


if __name__ == "__main__":
    if sys.argv[1] == "save":
        save(Path(sys.argv[2]), sys.argv[3:])
    else:
        load(Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
