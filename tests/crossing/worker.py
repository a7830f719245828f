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
from scenarios import SCENARIOS

import kport
from kport.model import capture

FORMATS = {"keras": "model.keras", "bundle": "bundle"}
# Integers have no gradient to train through on every backend.
TRAINED = set(zoo.KINDS) - {"preprocessing"}


def save(folder: Path) -> None:
    """Write every kind of model in every format, and what it computes."""
    for kind in zoo.KINDS:
        model, inputs = zoo.build(kind)
        if kind in TRAINED:
            zoo.train(model, inputs)
        _write(folder / kind, model, partial(zoo.outputs, inputs=inputs))
    for name, make in SCENARIOS.items():
        model, call = make()
        _called(model, call)
        _write(folder / name, model, partial(_called, call=call))


def _write(place: Path, model: keras.Model, run: Callable[[keras.Model], Any]) -> None:
    place.mkdir(parents=True)
    for name in FORMATS.values():
        kport.save(model, place / name)
    np.savez(place / "weights.npz", **_values(model))
    outputs = run(model)  # last, since it moves the state of a stateful model
    assert np.ptp(outputs) > 1e-3, f"{place.name} computes a constant, which proves nothing"
    np.savez(place / "outputs.npz", outputs=outputs)


def _called(model: keras.Model, call: Any) -> Any:
    args, kwargs = keras.tree.map_structure(keras.ops.convert_to_tensor, call)
    return np.asarray(keras.ops.convert_to_numpy(model(*args, **kwargs)), "float32")


def load(folder: Path, answer: Path) -> None:
    """Read all of it back, and write what differs."""
    found = {}
    for kind in zoo.KINDS:
        inputs = zoo.build(kind)[1]
        run = partial(zoo.outputs, inputs=inputs)
        found |= _compare(folder / kind, run, kind in TRAINED)
    for name, make in SCENARIOS.items():
        found |= _compare(folder / name, partial(_called, call=make()[1]), False)
    answer.write_text(json.dumps(found))


def _values(model: keras.Model) -> dict[str, Any]:
    """Every value of a model; bfloat16, which .npz does not know, as the float32 it equals."""
    return {
        name: one.read().astype("float32") if one.dtype == "bfloat16" else one.read()
        for name, one in capture(model).tensors.items()
    }


def _compare(place: Path, run: Callable[[keras.Model], Any], compiled: bool) -> dict[str, Any]:
    return {f"{place.name}-{key}": _one(place, key, run, compiled) for key in FORMATS}


def _one(
    place: Path, key: str, run: Callable[[keras.Model], Any], compiled: bool
) -> dict[str, Any]:
    model = kport.load(place / FORMATS[key])
    values = _values(model)
    with np.load(place / "weights.npz") as stored:
        differing = [
            name
            for name in stored.files
            if not (name in values and np.array_equal(values[name], stored[name]))
        ]
    with np.load(place / "outputs.npz") as stored:
        expected = stored["outputs"]
    return {
        "differing": differing,
        "relative": float(np.abs(run(model) - expected).max() / np.abs(expected).max()),
        "compiled": bool(model.compiled) == compiled,
    }


if __name__ == "__main__":
    if sys.argv[1] == "save":
        save(Path(sys.argv[2]))
    else:
        load(Path(sys.argv[2]), Path(sys.argv[3]))
