"""Functions by their names: those of `keras.ops`, those of users, and others of the same name."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kport
from kport.errors import MissingComponentError

pytestmark = pytest.mark.backend


def square(x: Any) -> Any:
    """What has the name of a function of `keras.ops` and is another."""
    return x * 100.0


def around(*layers: keras.Layer) -> keras.Model:
    return keras.Sequential([keras.Input((4,)), *layers])


def outputs(model: keras.Model) -> Any:
    inputs = np.linspace(-3, 3, 8, dtype="float32").reshape(2, 4)
    return keras.ops.convert_to_numpy(model(inputs))


# `keras.activations.gelu` is exact by default; that of `keras.ops` is an approximation.
@pytest.mark.parametrize("name", ["gelu", "relu", "square"])
def test_an_operation_as_activation_comes_back_as_itself(tmp_path: Path, name: str) -> None:
    operation = getattr(keras.ops, name)
    model = around(keras.layers.Dense(4, activation=operation), keras.layers.Activation(operation))
    kport.save(model, tmp_path / "m.keras")
    for load in (kport.load, keras.saving.load_model):
        loaded = load(tmp_path / "m.keras")
        assert [layer.activation for layer in loaded.layers] == [operation, operation]
        np.testing.assert_array_equal(outputs(loaded), outputs(model))


def test_an_operation_as_loss_comes_back_as_itself(tmp_path: Path) -> None:
    model = around(keras.layers.Dense(4))
    model.compile("sgd", loss=keras.ops.categorical_crossentropy)
    kport.save(model, tmp_path / "m.keras")
    assert kport.load(tmp_path / "m.keras").loss is keras.ops.categorical_crossentropy


def test_an_operation_is_none_of_the_activations_to_code_that_asks_for_those() -> None:
    """`keras.activations.deserialize` looks for a name nowhere else."""
    from kport.model._keras import serializing

    layer = keras.layers.Activation(keras.ops.gelu)
    with serializing(layer):
        config = layer.get_config()["activation"]
    assert keras.activations.get(config) is keras.ops.gelu
    assert keras.activations.deserialize(config) is not keras.activations.gelu


@pytest.mark.parametrize("by", ["kport", "keras"])
def test_a_function_named_like_an_operation_is_not_taken_for_it(tmp_path: Path, by: str) -> None:
    model = around(keras.layers.Lambda(square))
    model.save(tmp_path / "m.keras") if by == "keras" else kport.save(model, tmp_path / "m.keras")
    match = r"'square' is not registered; the file does not tell one of yours from keras\.ops\.squa"
    with pytest.raises(MissingComponentError, match=match):
        kport.load(tmp_path / "m.keras")
    loaded = kport.load(tmp_path / "m.keras", custom_objects={"square": square})
    np.testing.assert_array_equal(outputs(loaded), outputs(model))
