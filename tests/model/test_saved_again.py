"""What is loaded and saved again is the same to the byte, where Keras infers or makes more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import pytest

import kport

pytestmark = pytest.mark.backend

layers = keras.layers


@kport.register("again")
class Row(keras.Model):
    def __init__(self, *parts: Any) -> None:
        super().__init__()
        self.parts = list(parts)

    def call(self, x: Any) -> Any:
        for part in self.parts:
            x = part(x)
        return x


@kport.register("again")
class Shift(layers.Layer):
    def __init__(self, **of_a_layer: Any) -> None:
        super().__init__(**of_a_layer)

    def build(self, shape: Any) -> None:
        self.by = self.add_weight(shape=shape[1:])

    def call(self, x: Any) -> Any:
        return x + self.by


@kport.register("again")
class MakesInBuild(layers.Layer):
    def build(self, shape: Any) -> None:
        self.inner = Shift()
        self.inner.build(shape)

    def call(self, x: Any) -> Any:
        return self.inner(x)


@kport.register("again")
class Maker(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.one = MakesInBuild()

    def call(self, x: Any) -> Any:
        return self.one(x)


def graph(part: Any) -> keras.Model:
    """A part, and a layer whose config tells the dtype that Keras infers of what the part gives."""
    entry = keras.Input((3,))
    return keras.Model(entry, layers.Dense(3)(part(entry)))


def saved_again(model: keras.Model, folder: Path) -> keras.Model:
    kport.save(model, folder / "one.keras")
    loaded = kport.load(folder / "one.keras")
    kport.save(loaded, folder / "two.keras")
    assert (folder / "two.keras").read_bytes() == (folder / "one.keras").read_bytes()
    return loaded


def test_tensors_of_a_graph_have_the_dtypes_they_had(tmp_path: Path) -> None:
    shift = Shift(dtype="mixed_bfloat16")
    for part in (Row(shift), Row(shift)):  # the second has its weights, the first had none
        model = graph(part)
        loaded = saved_again(model, tmp_path)
        assert loaded.layers[1].output.dtype == model.layers[1].output.dtype


def test_tensors_of_a_graph_have_the_dtypes_that_are_asked_for(tmp_path: Path) -> None:
    kport.save(graph(layers.Dense(3)), tmp_path / "model.keras")
    loaded = kport.load(tmp_path / "model.keras", dtype="bfloat16")
    assert loaded.layers[1].output.dtype == "bfloat16"


def test_what_code_makes_builds_under_its_policy(tmp_path: Path) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = graph(Maker())
    finally:
        keras.config.set_dtype_policy(before)
    loaded = saved_again(model, tmp_path)
    assert loaded.layers[1].one.inner.compute_dtype == "bfloat16"
    assert keras.config.dtype_policy().name == "float32"
