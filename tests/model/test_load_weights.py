"""Weights go into a model that exists, under other names and in another dtype where asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import ml_dtypes
import numpy as np
import pytest

import kport
from kport.errors import MismatchError, UsageError

pytestmark = pytest.mark.backend


def model(dtype: str = "float32", name: str = "dense") -> keras.Model:
    layers = [
        keras.Input((3,)),
        keras.layers.Dense(4, dtype=dtype, name=name),
        keras.layers.BatchNormalization(dtype="float32", name="norm"),
    ]
    return keras.Sequential(layers)


@pytest.fixture
def saved(tmp_path: Path) -> tuple[keras.Model, Path]:
    first = model()
    first.layers[0].kernel.assign(np.full((3, 4), 1 / 3, "float32"))
    first.layers[1].moving_mean.assign(np.full(4, 1 / 3, "float32"))
    kport.save(first, tmp_path / "bundle")
    return first, tmp_path / "bundle"


def test_values_that_would_be_rounded_are_refused_unless_asked_for(
    saved: tuple[keras.Model, Path],
) -> None:
    first, path = saved
    other = model("bfloat16")
    with pytest.raises(MismatchError, match=r"load_weights\(..., dtype='bfloat16'\) rounds them"):
        kport.load_weights(other, path)
    report = kport.load_weights(other, path, dtype="bfloat16")
    assert report.translated == ("dense.bias", "dense.kernel")
    rounded = keras.ops.convert_to_numpy(other.layers[0].kernel).astype("float32")
    np.testing.assert_array_equal(rounded, np.float32(ml_dtypes.bfloat16(1 / 3)))
    # What the model keeps in float32 stays exact.
    mean = keras.ops.convert_to_numpy(other.layers[1].moving_mean)
    np.testing.assert_array_equal(mean, keras.ops.convert_to_numpy(first.layers[1].moving_mean))


def test_names_and_dtype_change_at_once(saved: tuple[keras.Model, Path]) -> None:
    _, path = saved
    other = model("bfloat16", name="projection")
    rename = {"dense.**": "projection.**"}
    report = kport.load_weights(other, path, rename=rename, dtype="bfloat16")
    assert not report.supplied
    assert not report.dropped


def test_a_dtype_that_is_none_is_refused(saved: tuple[keras.Model, Path]) -> None:
    with pytest.raises(UsageError, match="dtype: expected a floating-point dtype, got 'int8'"):
        kport.load_weights(model(), saved[1], dtype="int8")


X, Y = (
    np.ones((4, 3), "float32") * np.arange(4, dtype="float32")[:, None],
    np.eye(4, dtype="float32"),
)


def trained(optimizer: str = "adam", steps: int = 2) -> keras.Model:
    one = model()
    one.compile(optimizer, "mse", run_eagerly=True)
    for _ in range(steps):
        one.train_on_batch(X, Y)
    return one


@pytest.mark.parametrize("target", ["bundle", "model.keras"])
def test_training_goes_on_with_the_state_of_the_optimizer(target: str, tmp_path: Path) -> None:
    first = trained()
    kport.save(first, tmp_path / target)
    second = trained(steps=0)
    report = kport.load_weights(second, tmp_path / target)
    assert "optimizer.momentums.dense.kernel" in report.matched
    for one in (first, second):
        one.train_on_batch(X, Y)
    for mine, theirs in zip(second.get_weights(), first.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_the_state_follows_renamed_weights(tmp_path: Path) -> None:
    kport.save(trained(), tmp_path / "bundle")
    other = model(name="projection")
    other.compile("adam", "mse")
    report = kport.load_weights(other, tmp_path / "bundle", rename={"dense.**": "projection.**"})
    assert "optimizer.momentums.projection.kernel" in report.matched
    assert int(other.optimizer.iterations) == 2


def test_the_state_of_another_optimizer_is_left_out_whole(tmp_path: Path) -> None:
    kport.save(trained("adam"), tmp_path / "bundle")
    other = trained("sgd", steps=0)
    report = kport.load_weights(other, tmp_path / "bundle")
    [line] = [one for one in report.lines if one.name == "optimizer"]
    assert line.detail == (
        "the file's optimizer keeps momentums, velocities, this one keeps no slots; "
        "it stays as it is"
    )
    assert int(other.optimizer.iterations) == 0


def test_the_state_is_left_out_where_the_model_has_a_new_head(tmp_path: Path) -> None:
    kport.save(trained(), tmp_path / "bundle")
    layers = [keras.Input((3,)), *model().layers, keras.layers.Dense(2, name="head")]
    other = keras.Sequential(layers)
    other.compile("adam", "mse")
    report = kport.load_weights(other, tmp_path / "bundle", strict=False)
    [line] = [one for one in report.lines if one.name == "optimizer"]
    assert line.detail == (
        "the file has no state of an optimizer for 'head.bias'; it stays as it is"
    )
    assert int(other.optimizer.iterations) == 0


def test_the_state_is_left_alone_where_asked(tmp_path: Path) -> None:
    kport.save(trained(), tmp_path / "bundle")
    other = trained(steps=0)
    report = kport.load_weights(other, tmp_path / "bundle", optimizer=False)
    assert "optimizer.iterations" in report.dropped
    assert int(other.optimizer.iterations) == 0


@pytest.mark.filterwarnings("ignore:Gradients do not exist for variables:UserWarning")
def test_the_state_finds_its_place_beside_a_layer_that_was_replaced(tmp_path: Path) -> None:
    class Replaced(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.head = keras.layers.Dense(2), keras.layers.Dense(2)
            self.head.build((None, 2))
            self.head = keras.layers.Dense(2)  # Keras trains the one before as well

        def call(self, x: Any) -> Any:
            return self.head(self.first(x))

    def trained(steps: int) -> keras.Model:
        one = Replaced()
        one(X)
        one.compile("adam", "mse")
        for _ in range(steps):
            one.train_on_batch(X, X[:, :2])
        return one

    first, second = trained(2), trained(1)
    kport.save(first, tmp_path / "bundle")
    kport.load_weights(second, tmp_path / "bundle")
    for one in (first, second):
        one.train_on_batch(X, X[:, :2])
    for mine, theirs in zip(second.head.get_weights(), first.head.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@kport.register("load_weights")
class Two(keras.Model):
    def __init__(self, first: str) -> None:
        super().__init__()
        setattr(self, first, keras.layers.Dense(3))
        self.first, self.head = first, keras.layers.Dense(1)

    def call(self, x: Any) -> Any:
        return self.head(getattr(self, self.first)(x))


@pytest.mark.parametrize("rename", [{"enc.**": "encoder.**"}, {"enc/vars/*": "encoder/vars/*"}])
@pytest.mark.parametrize("target", ["model.keras", "model.weights.h5"])
def test_names_change_in_files_of_plain_keras(
    target: str, rename: dict[str, str], tmp_path: Path
) -> None:
    old, new = Two("enc"), Two("encoder")
    x = np.ones((1, 2), "float32")
    for model in (old, new):
        model(x)
    (old.save if target.endswith(".keras") else old.save_weights)(tmp_path / target)
    report = kport.load_weights(new, tmp_path / target, rename=rename)
    assert set(report.renamed) == {"encoder/vars/0", "encoder/vars/1"}
    np.testing.assert_array_equal(*[keras.ops.convert_to_numpy(one(x)) for one in (old, new)])


def test_a_pattern_that_matches_nothing_names_what_there_is(tmp_path: Path) -> None:
    model = Two("enc")
    model(np.ones((1, 2), "float32"))
    model.save_weights(tmp_path / "model.weights.h5")
    with pytest.raises(UsageError, match=r"(?s)'encoder.\*\*' matches no name.*enc/vars/"):
        kport.load_weights(model, tmp_path / "model.weights.h5", rename={"encoder.**": "x.**"})
