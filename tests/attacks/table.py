"""The table of attacks: one small builder of a malicious file each, and what must come of it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from kport import formats
from kport.checkpoint import Asset, Checkpoint, Kind, LazyTensor, ModelSpec

__all__ = [
    "ATTACKS",
    "DENSE",
    "KERNEL",
    "MODEL",
    "WORDS",
    "Attack",
    "attack",
    "layer",
    "make_archive",
    "make_bundle",
    "make_weights",
    "sequential",
]

KERNEL = np.arange(6, dtype="<f4").reshape(3, 2)
BIAS = np.array([7, 8], "<f4")


@dataclass(frozen=True)
class Attack:
    """A malicious file.

    Arguments:
        name: The builder's name, in words.
        build: Writes it into a folder, beside a file of others, and returns its path.
        error: The class of the refusal.
        words: What the refusal says.
        at: ``read`` where every entrance must refuse; ``model`` where those that take weights alone
            never see it; ``build`` where only making a model of it
            must, and conversion copies it unseen; ``load`` where conversion has to make a model,
            too; ``part`` where it is refused as a part; ``never`` where the file is harmless.
    """

    name: str
    build: Callable[[Path, Path], Path]
    error: str
    words: str
    at: str


ATTACKS: list[Attack] = []
WORDS = Asset("dense/words.txt", 3, lambda: b"a\nb", "layers/dense/words.txt")


def attack(words: str, error: str = "UnsafeFileError", at: str = "read") -> Any:
    """Enter a builder into the table: ``build(folder, secret) -> path``."""

    def enter(build: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
        ATTACKS.append(Attack(build.__name__.replace("_", " "), build, error, words, at))
        return build

    return enter


def layer(class_name: str, config: dict[str, Any], module: str = "keras.layers") -> dict[str, Any]:
    return {
        "module": module,
        "class_name": class_name,
        "config": config,
        "registered_name": None,
        "build_config": {"input_shape": [None, 3]},
    }


INPUT = layer("InputLayer", {"batch_shape": [None, 3], "dtype": "float32", "name": "in"})
DENSE = layer("Dense", {"name": "dense", "units": 2, "activation": "linear"})


def sequential(*layers: dict[str, Any], **extra: Any) -> dict[str, Any]:
    """Return the Keras 3 config of a model of these layers."""
    config = {"name": "net", "layers": [INPUT, *layers]}
    return {"module": "keras", "class_name": "Sequential", "config": config} | extra


MODEL = sequential(DENSE)


def make_checkpoint(config: dict[str, Any] = MODEL, **fields: Any) -> Checkpoint:
    tensors = [
        LazyTensor(
            "dense.bias", (2,), "float32", Kind.PARAMETER, lambda: BIAS, "layers/dense/vars/1"
        ),
        LazyTensor(
            "dense.kernel", (3, 2), "float32", Kind.PARAMETER, lambda: KERNEL, "layers/dense/vars/0"
        ),
    ]
    spec = fields.pop("spec", None) or ModelSpec(config)
    return Checkpoint(spec, {one.name: one for one in tensors}, **fields)


def make_bundle(
    folder: Path,
    config: dict[str, Any] = MODEL,
    edit: Callable[[dict[str, Any]], object] | None = None,
    **fields: Any,
) -> Path:
    """Write a good bundle; `edit` changes its manifest."""
    path = folder / "bundle"
    formats.write(make_checkpoint(config, **fields), path)
    if edit is not None:
        manifest = json.loads((path / "kport.json").read_text())
        edit(manifest)
        (path / "kport.json").write_text(json.dumps(manifest))
    return path


def make_weights(fill: Callable[[h5py.File], object] | None = None) -> bytes:
    """Return the HDF5 member of an archive, its kernel put in by `fill` where that is given."""
    held = BytesIO()
    with h5py.File(held, "w") as file:
        file["layers/dense/vars/1"] = BIAS
        if fill is None:
            file["layers/dense/vars/0"] = KERNEL
        else:
            fill(file)
    return held.getvalue()


def make_archive(
    folder: Path,
    config: object = MODEL,
    weights: bytes | None = None,
    more: Callable[[zipfile.ZipFile], object] | None = None,
    without: tuple[str, ...] = (),
) -> Path:
    """Write an archive as plain Keras would; `more` adds members."""
    path = folder / "model.keras"
    members: dict[str, Any] = {
        "metadata.json": json.dumps({"keras_version": "3.15.1", "date_saved": "2026"}),
        "config.json": config if isinstance(config, (str, bytes)) else json.dumps(config),
        "model.weights.h5": make_weights() if weights is None else weights,
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            if name not in without:
                archive.writestr(name, content)
        if more is not None:
            more(archive)
    return path
