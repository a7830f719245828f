"""`kport.load(path, dtype=...)` gives the model that code under that dtype policy would make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import zoo

import kport
from kport.errors import LoadError, UsageError

pytestmark = pytest.mark.backend

KINDS = ["sequential", "functional", "nested", "convolutional"]


@contextmanager
def policy(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def numbers(model: keras.Model) -> list[Any]:
    return [keras.ops.convert_to_numpy(keras.ops.cast(one, "float32")) for one in model.weights]


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_is_as_if_made_in_that_dtype(tmp_path: Path, kind: str) -> None:
    model, inputs = zoo.build(kind)
    kport.save(model, tmp_path / "bundle")
    loaded = kport.load(tmp_path / "bundle", dtype="bfloat16")
    with policy("bfloat16"):
        twin, _ = zoo.build(kind)
    assert [one.dtype for one in loaded.weights] == [one.dtype for one in twin.weights]
    for one, value in zip(twin.weights, model.weights, strict=True):
        one.assign(keras.ops.cast(value, one.dtype))
    for one, other in zip(numbers(loaded), numbers(twin), strict=True):
        np.testing.assert_array_equal(one, other)
    assert str(keras.backend.standardize_dtype(loaded(inputs).dtype)) == "bfloat16"
    np.testing.assert_array_equal(*(np.asarray(zoo.outputs(m, inputs)) for m in (loaded, twin)))
    assert any("float32 to bfloat16" in one.detail for one in kport.report_of(loaded).lines)
    assert keras.config.dtype_policy().name == "float32"


def test_no_initializer_runs_that_half_precision_cannot_compute(tmp_path: Path) -> None:
    model, _ = zoo.build("recurrent")  # orthogonal kernels, which Keras itself cannot make here
    kport.save(model, tmp_path / "bundle")
    loaded = kport.load(tmp_path / "bundle", dtype="bfloat16")
    assert {one.dtype for one in loaded.trainable_weights} == {"bfloat16"}


def test_what_plain_keras_wrote_is_converted_too(tmp_path: Path) -> None:
    model, _ = zoo.build("sequential")
    model.save(tmp_path / "model.keras")
    loaded = kport.load(tmp_path / "model.keras", dtype="float16")
    assert {one.dtype for one in loaded.weights} == {"float16"}


def test_a_converted_model_is_trained_and_saved(tmp_path: Path) -> None:
    model, inputs = zoo.build("functional")
    zoo.train(model, inputs)
    kport.save(model, tmp_path / "bundle")
    loaded = kport.load(tmp_path / "bundle", dtype="bfloat16")
    assert int(loaded.optimizer.iterations) == int(model.optimizer.iterations)
    zoo.train(loaded, inputs)
    kport.save(loaded, tmp_path / "half")
    again = kport.load(tmp_path / "half")
    assert [one.dtype for one in again.variables] == [one.dtype for one in loaded.variables]
    for one, other in zip(numbers(again), numbers(loaded), strict=True):
        np.testing.assert_array_equal(one, other)


def test_one_part_is_converted(tmp_path: Path) -> None:
    inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)], name="inner")
    kport.save(keras.Sequential([keras.Input((2,)), inner]), tmp_path / "bundle")
    loaded = kport.load(tmp_path / "bundle", part="inner", dtype="bfloat16")
    assert {one.dtype for one in loaded.weights} == {"bfloat16"}


def test_values_that_would_be_infinite_are_refused(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, name="large")])
    model.layers[0].kernel.assign([[1e6]])
    kport.save(model, tmp_path / "bundle")
    with pytest.raises(LoadError, match=r"'large.kernel' has values of float16 that would be inf"):
        kport.load(tmp_path / "bundle", dtype="float16")
    loaded = kport.load(tmp_path / "bundle", dtype="bfloat16")
    assert numbers(loaded)[0] == [[999424.0]]


@pytest.mark.parametrize("dtype", ["int8", "mixed_float16", 16])
def test_another_dtype_is_a_mistake(tmp_path: Path, dtype: Any) -> None:
    with pytest.raises(UsageError, match="dtype: a model can be of bfloat16, float16, float32, f"):
        kport.load(tmp_path, dtype=dtype)
