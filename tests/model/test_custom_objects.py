"""Classes that nobody registered: given by name, by a scope, and told of where they are here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kport
from kport.errors import MissingComponentError

pytestmark = pytest.mark.backend

X = np.linspace(-1, 1, 8, dtype="float32").reshape(2, 4)


def doubled(x: Any) -> Any:
    return 2 * x


class Block(keras.layers.Layer):
    def __init__(self, units: int) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(units, activation=doubled)

    def call(self, x: Any) -> Any:
        return self.dense(x)


class Tower(keras.Model):
    def __init__(self, units: int, name: str) -> None:
        super().__init__(name=name)
        self.units = units
        self.block = Block(units)

    def call(self, x: Any) -> Any:
        return self.block(x)


GIVEN = {"Tower": Tower, "Block": Block, "doubled": doubled}


def outputs(model: Any) -> Any:
    return keras.ops.convert_to_numpy(model(X))


@pytest.fixture
def model() -> keras.Model:
    inputs = keras.Input((4,))
    mixed = keras.layers.Dense(4, doubled)(Tower(3, name="tower")(inputs))
    return keras.Model(inputs, Block(2)(mixed))


@pytest.mark.parametrize("name", ["model.keras", "bundle"])
def test_a_scope_gives_classes_as_an_argument_does(
    tmp_path: Path, model: keras.Model, name: str
) -> None:
    expected = outputs(model)
    path = tmp_path / name
    kport.save(model, path)
    np.testing.assert_array_equal(outputs(kport.load(path, custom_objects=GIVEN)), expected)
    with keras.saving.custom_object_scope(GIVEN):
        np.testing.assert_array_equal(outputs(kport.load(path)), expected)


def test_a_scope_and_an_argument_go_together(tmp_path: Path, model: keras.Model) -> None:
    kport.save(model, tmp_path / "bundle")
    first, second = {"Block": Block}, {"Tower": Tower, "doubled": doubled}
    with keras.saving.custom_object_scope(first):
        again = kport.load(tmp_path / "bundle", custom_objects=second)
    np.testing.assert_array_equal(outputs(again), outputs(model))


def test_a_part_and_a_conversion_are_made_in_a_scope(tmp_path: Path, model: keras.Model) -> None:
    kport.save(model, tmp_path / "bundle")
    with keras.saving.custom_object_scope(GIVEN):
        part = kport.load(tmp_path / "bundle", part="tower")
        again = kport.load(tmp_path / "bundle", parts={"tower": part})
    np.testing.assert_array_equal(outputs(part), outputs(model.get_layer("tower")))
    np.testing.assert_array_equal(outputs(again), outputs(model))


def test_an_error_tells_which_class_is_imported_here(tmp_path: Path, model: keras.Model) -> None:
    kport.save(model, tmp_path / "bundle")
    with pytest.raises(MissingComponentError) as caught:
        kport.load(tmp_path / "bundle")
    text = str(caught.value)
    here = re.escape(f"{__name__}.Tower is imported here: custom_objects={{'Tower': ")
    assert re.search(here, text)
    assert "class Tower(" not in text  # nothing to start from where the class is there
    assert "def doubled(x):" in text
