"""Large values are read while Keras builds the model, each once, into memory of its own."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kport
from kport.checkpoint import Naming
from kport.errors import CorruptFileError, LoadError
from kport.formats._mapped import MappedFile
from kport.model import _ahead

pytestmark = pytest.mark.backend

_UNITS = 512  # a kernel of 1 MB


@kport.register("ahead")
class Waiting(keras.layers.Layer):
    """Its constructor waits until somebody has begun to read."""

    started: threading.Event | None = None

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.in_time = self.started is None or self.started.wait(30)

    def call(self, x: Any) -> Any:
        return x


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the bytes that are read of each file, and let the constructor go on with the first."""
    counts: list[int] = []
    started = threading.Event()
    copy_to = MappedFile.copy_to

    def counted(self: MappedFile, target: memoryview, start: int) -> None:
        counts.append(len(target))
        started.set()
        copy_to(self, target, start)

    monkeypatch.setattr(MappedFile, "copy_to", counted)
    monkeypatch.setattr(Waiting, "started", started)
    return counts


@pytest.fixture
def saved(tmp_path: Path) -> tuple[keras.Model, Path]:
    layers = [Waiting(), *(keras.layers.Dense(_UNITS, name=name) for name in ("first", "second"))]
    model = keras.Sequential([keras.Input((_UNITS,)), *layers])
    kport.save(model, tmp_path / "bundle")
    return model, tmp_path / "bundle"


def test_values_are_read_while_keras_builds(
    saved: tuple[keras.Model, Path], reads: list[int]
) -> None:
    model, path = saved
    loaded = kport.load(path)
    assert loaded.layers[0].in_time
    assert sum(reads) == sum(4 * one.size for one in map(np.asarray, model.get_weights()))
    for one, other in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


def test_what_may_be_translated_is_not_read_ahead(saved: tuple[keras.Model, Path]) -> None:
    checkpoint = kport.formats.read(saved[1])
    kernel = checkpoint.tensors["first.kernel"]
    with _ahead.reading_ahead(checkpoint) as ahead:
        assert ahead.take(kernel) is not None
    with _ahead.reading_ahead(replace(checkpoint, naming=Naming.POSITION)) as ahead:
        assert ahead.take(kernel) is None


def test_a_loaded_variable_is_nobody_elses(saved: tuple[keras.Model, Path]) -> None:
    model, path = saved
    one, other = kport.load(path), kport.load(path)
    one.get_layer("first").kernel.assign_add(np.ones((_UNITS, _UNITS), "f4"))
    np.testing.assert_array_equal(
        other.get_layer("first").kernel.numpy(), model.get_layer("first").kernel.numpy()
    )


def test_damage_read_ahead_is_found(saved: tuple[keras.Model, Path]) -> None:
    _, path = saved
    file = path / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1  # the last number of the last kernel
    file.write_bytes(data)
    with pytest.raises(CorruptFileError, match=r"the values of tensor '\w+\.\w+' are not"):
        kport.load(path)


def test_reading_ends_where_building_fails(
    saved: tuple[keras.Model, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: keras.Layer, **kwargs: Any) -> None:
        raise ValueError("no such thing")

    monkeypatch.setattr(Waiting, "__init__", fail)
    with pytest.raises(LoadError, match="no such thing"):
        kport.load(saved[1])
    assert not [one for one in threading.enumerate() if one.name.startswith("kport-ahead")]
