"""What is loaded and saved again is the same to the byte, where Keras infers or makes more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import pytest
from parts import Row, Tied

import kport
from kport.model import capture
from kport.model._walk import walk

pytestmark = pytest.mark.backend

layers = keras.layers


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


@kport.register("again")
class Sets(keras.Model):
    """Has layers in sets, whose order is one of memory addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.one = {layers.Dense(3), layers.BatchNormalization()}
        self.two = {"inner": {layers.Dense(3), layers.LayerNormalization()}}

    def call(self, x: Any) -> Any:
        for held in (self.one, self.two["inner"]):
            for part in sorted(held, key=lambda one: type(one).__name__):
                x = part(x)
        return x


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


@pytest.fixture
def half_precision() -> keras.Model:
    """A graph around a model whose code makes its layers, under a policy that is gone at once."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = graph(Maker())
    keras.config.set_dtype_policy(before)
    return model


def test_tensors_of_a_graph_have_the_dtypes_they_had(
    half_precision: keras.Model, tmp_path: Path
) -> None:
    loaded = saved_again(half_precision, tmp_path)
    assert loaded.layers[1].output.dtype == half_precision.layers[1].output.dtype


def test_tensors_of_a_graph_have_the_dtypes_that_are_asked_for(tmp_path: Path) -> None:
    kport.save(graph(layers.Dense(3)), tmp_path / "model.keras")
    loaded = kport.load(tmp_path / "model.keras", dtype="bfloat16")
    assert loaded.layers[1].output.dtype == "bfloat16"


def test_what_code_makes_builds_under_its_policy(
    half_precision: keras.Model, tmp_path: Path
) -> None:
    loaded = saved_again(half_precision, tmp_path)
    assert loaded.layers[1].one.inner.compute_dtype == "bfloat16"
    assert keras.config.dtype_policy().name == "float32"


def test_a_weight_that_a_frozen_layer_lends_is_frozen_again(tmp_path: Path) -> None:
    model = Tied(layers.ReLU())
    model.one.trainable = False  # before there is the kernel that it lends
    model(keras.ops.ones((2, 3)))
    loaded = saved_again(model, tmp_path)
    assert len(loaded.trainable_weights) == len(model.trainable_weights) == 1


def test_names_inside_bidirectional_do_not_depend_on_what_was_made_before() -> None:
    told = []
    for _ in range(2):
        model = Row(Row(layers.Bidirectional(layers.GRU(3))))
        model(keras.ops.ones((2, 3, 3)))
        told.append(capture(model).spec.parts["parts.0"])
    assert told[0] == told[1]


@pytest.mark.parametrize("turn", range(4))  # the order that is lost is the right one by chance
def test_what_is_in_sets_is_trained_in_the_order_it_was(turn: int, tmp_path: Path) -> None:
    model = Sets()
    model(keras.ops.ones((2, 3)))
    loaded = saved_again(model, tmp_path)
    one, two = ([walk(m).names()[id(v)] for v in m.weights] for m in (model, loaded))
    assert two == one
