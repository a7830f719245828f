"""Save or load the zoo on one backend; run by test_crossing.py in a process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import zoo

import kport
from kport.model import capture

FORMATS = {"keras": "model.keras", "bundle": "bundle"}


def save(folder: Path) -> None:
    """Write every kind of model, trained, in every format, and what it computes."""
    for kind in zoo.KINDS:
        model, inputs = zoo.build(kind)
        if kind != "preprocessing":  # integers have no gradient to train through on every backend
            zoo.train(model, inputs)
        place = folder / kind
        place.mkdir(parents=True)
        for name in FORMATS.values():
            kport.save(model, place / name)
        np.savez(place / "weights.npz", **_values(model))
        outputs = zoo.outputs(model, inputs)
        assert np.ptp(outputs) > 1e-3, f"{kind} computes a constant, which proves nothing"
        np.savez(place / "outputs.npz", outputs=outputs)


def load(folder: Path, answer: Path) -> None:
    """Read all of it back, and write what differs."""
    found = {
        f"{kind}-{name}": _compare(folder / kind, folder / kind / file, kind)
        for kind in zoo.KINDS
        for name, file in FORMATS.items()
    }
    answer.write_text(json.dumps(found))


def _values(model: keras.Model) -> dict[str, Any]:
    """Every value of a model; bfloat16, which .npz does not know, as the float32 it equals."""
    return {
        name: one.read().astype("float32") if one.dtype == "bfloat16" else one.read()
        for name, one in capture(model).tensors.items()
    }


def _compare(place: Path, path: Path, kind: str) -> dict[str, Any]:
    model = kport.load(path)
    _, inputs = zoo.build(kind)
    values = _values(model)
    with np.load(place / "weights.npz") as stored:
        differing = [
            name
            for name in stored.files
            if not name.startswith("compile_metrics.")  # not rebuilt before the first batch
            and not (name in values and np.array_equal(values[name], stored[name]))
        ]
    with np.load(place / "outputs.npz") as stored:
        expected = stored["outputs"]
    got = zoo.outputs(model, inputs)
    return {
        "differing": differing,
        "relative": float(np.abs(got - expected).max() / np.abs(expected).max()),
        "compiled": bool(model.compiled) == (kind != "preprocessing"),
    }


if __name__ == "__main__":
    if sys.argv[1] == "save":
        save(Path(sys.argv[2]))
    else:
        load(Path(sys.argv[2]), Path(sys.argv[3]))
