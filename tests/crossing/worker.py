"""Save on one backend, or load on one; run by test_crossing.py in a process of its own.

``worker.py save FOLDER`` writes every scenario in both formats beside what it computes, and every
training after half of its steps beside what came of all of them. ``worker.py load ANSWER
FOLDER...`` loads all that several processes wrote and says what differs.
"""

from __future__ import annotations

import gc
import json
import pickle
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from resume import TRAININGS, masked, train
from scenarios import SCENARIOS, Call, called, fingerprint, values

import kport
from kport import formats
from kport.checkpoint import Checkpoint, Kind, LazyTensor
from kport.errors import KportError

BACKEND = keras.backend.backend()
FILES = ("model.keras", "bundle")
HALF, ALL = 3, 6

Answer = dict[str, Any]


def save(folder: Path) -> Answer:
    """Write everything that this backend can compute."""
    names = [name for name, one in SCENARIOS.items() if BACKEND in one.backends]
    told = {name: _tried(_save_model, folder / name, *SCENARIOS[name]()) for name in names}
    return told | {name: _tried(_save_training, folder / name, name) for name in TRAININGS}


def load(folders: list[Path]) -> Answer:
    """Read all of it back."""
    return {
        folder.name: {
            name: _tried(_load_training if name in TRAININGS else _load_model, folder / name, name)
            for name in [*SCENARIOS, *TRAININGS]
            if (folder / name).is_dir()
        }
        for folder in folders
    }


def _tried(function: Callable[..., Answer], *arguments: Any) -> Answer:
    """Let one failure be no end of the rest."""
    # Keras collects garbage at each variable that a quantized layer gives up; see _collections.py.
    gc.freeze()
    try:
        return function(*arguments)
    except Exception:  # noqa: BLE001  # the test that it belongs to shows it
        return {"error": traceback.format_exc()[-3000:]}


def _save_model(place: Path, model: keras.Model, call: Call) -> Answer:
    called(model, call)
    with no_warnings():
        for file in FILES:
            kport.save(model, place / file)
    np.savez(place / "weights.npz", **values(model))
    (place / "call.pickle").write_bytes(pickle.dumps(call))
    (place / "fingerprint.json").write_text(json.dumps(fingerprint(model)))
    outputs = called(model, call)  # last, since it moves the state of a stateful model
    np.savez(place / "outputs.npz", outputs=outputs)
    return {"spread": float(np.ptp(outputs))}


def _load_model(place: Path, name: str) -> Answer:
    one, two = (formats.read(place / file) for file in FILES)
    unlike = _unlike(one, two)
    files = FILES
    if place.parent.name != BACKEND and not unlike:
        files = (FILES[list(SCENARIOS).index(name) % len(FILES)],)
    return {"unlike": unlike, **{file: _one(place / file, name) for file in files}}


def _unlike(one: Checkpoint, two: Checkpoint) -> list[str]:
    """Return in what the Checkpoints of both formats differ."""
    found = [part for part in ("spec", "naming") if getattr(one, part) != getattr(two, part)]
    for ours, theirs in ((_stored(one), _stored(two)), (one.assets, two.assets)):
        found += sorted(ours.keys() ^ theirs.keys())
        both = ours.keys() & theirs.keys()
        found += sorted(name for name in both if _raw(ours[name]) != _raw(theirs[name]))
    return found


def _stored(checkpoint: Checkpoint) -> dict[str, LazyTensor]:
    """Return the tensors that a bundle has, too: what is derived for Keras is in archives alone."""
    return {name: one for name, one in checkpoint.tensors.items() if one.kind is not Kind.DERIVED}


def _raw(held: Any) -> bytes:
    value = held.read()
    return value if isinstance(value, bytes) else value.tobytes()


def _one(path: Path, name: str) -> Answer:
    place = path.parent
    runs = BACKEND in SCENARIOS[name].backends
    try:
        with no_warnings():
            model = kport.load(path)
    except KportError:
        if runs:
            raise
        return {"refused": True}
    told = json.loads((place / "fingerprint.json").read_text())
    now = json.loads(json.dumps(fingerprint(model)))
    answer = {
        "differing": _differing(place / "weights.npz", values(model)),
        "changed": {key: [told[key], now[key]] for key in told if told[key] != now[key]},
    }
    if runs:
        call = pickle.loads((place / "call.pickle").read_bytes())  # noqa: S301  # of `_save_model`
        outputs = called(model, call)
        with np.load(place / "outputs.npz") as stored:
            expected = stored["outputs"]
        answer["equal"] = bool(np.array_equal(outputs, expected))
        if place.parent.name != BACKEND and not SCENARIOS[name].draws:
            answer["apart"] = float(np.abs(outputs - expected).max() / np.abs(expected).max())
            answer["tolerance"] = SCENARIOS[name].tolerance
    return answer


def _save_training(place: Path, name: str) -> Answer:
    """Save half-way; what is written beside it comes of another model, which nobody ever saved."""
    straight, halfway = TRAININGS[name].model(), TRAININGS[name].model()
    train(halfway, 0, HALF)
    kport.save(halfway, place / "bundle")
    train(straight, 0, ALL)
    np.savez(place / "end.npz", masked=masked(straight), **values(straight))
    return {}


def _load_training(place: Path, name: str) -> Answer:
    answer: Answer = {"curve": _curve(place / "bundle")}
    if place.parent.name == BACKEND:
        model = kport.load(place / "bundle")
        train(model, HALF, ALL)
        ended = {"masked": masked(model), **values(model)}
        answer["differing"] = _differing(place / "end.npz", ended)
    return answer


def _curve(path: Path) -> list[float]:
    """Train on without Dropout, whose masks are other ones on each backend."""
    model = kport.load(path)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    return train(model, HALF, ALL)


def _differing(path: Path, ours: Mapping[str, Any]) -> list[str]:
    with np.load(path) as stored:
        names = sorted({*stored.files, *ours})
        both = {*stored.files} & {*ours}
        return [n for n in names if n not in both or not np.array_equal(ours[n], stored[n])]


@contextmanager
def no_warnings() -> Iterator[None]:
    """Let a warning be an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for message in _OF_KERAS:
            warnings.filterwarnings("ignore", message)
        yield


# Keras says so of the models that some scenarios make on purpose, and on NumPy 2.
_OF_KERAS = (
    "`build\\(\\)` was called on layer",
    "Layer .* does not have a `quantize` method",
    "__array__ implementation doesn't accept a copy keyword",
)


if __name__ == "__main__":
    command, target, *folders = sys.argv[1:]
    if command == "save":
        found = save(Path(target))
        Path(target, "told.json").write_text(json.dumps(found))
    else:
        Path(target).write_text(json.dumps(load([Path(folder) for folder in folders])))
