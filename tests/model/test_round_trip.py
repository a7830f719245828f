"""Save and load on one backend: every format, every kind of model, every file that Keras wrote."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import zoo
from safetensors import safe_open

import kport
from kport.model import capture

pytestmark = pytest.mark.backend

TARGETS = ("model.keras", "bundle")


def digests(path: Path) -> dict[str, str]:
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in files}


def values(model: keras.Model) -> dict[str, Any]:
    return {name: np.array(one.read()) for name, one in capture(model).tensors.items()}


def assert_same_values(got: keras.Model, expected: keras.Model) -> None:
    ours, theirs = values(got), values(expected)
    assert sorted(ours) == sorted(theirs)
    assert [name for name in ours if not np.array_equal(ours[name], theirs[name])] == []


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", sorted(zoo.KINDS))
def test_everything_comes_back(kind: str, target: str, tmp_path: Path) -> None:
    model, inputs = zoo.build(kind)
    if kind != "preprocessing":
        zoo.train(model, inputs)
    kport.save(model, tmp_path / target)
    loaded = kport.load(tmp_path / target)
    assert_same_values(loaded, model)
    np.testing.assert_array_equal(zoo.outputs(loaded, inputs), zoo.outputs(model, inputs))
    assert [layer.trainable for layer in loaded.layers] == [one.trainable for one in model.layers]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", sorted(zoo.KINDS))
def test_saving_twice_gives_identical_bytes(kind: str, target: str, tmp_path: Path) -> None:
    model, inputs = zoo.build(kind)
    kport.save(model, tmp_path / "one" / target, sample=inputs)
    kport.save(model, tmp_path / "two" / target, sample=inputs)
    first = digests(tmp_path / "one" / target)
    assert first == digests(tmp_path / "two" / target)
    kport.save(kport.load(tmp_path / "one" / target), tmp_path / "three" / target, sample=inputs)
    assert first == digests(tmp_path / "three" / target)


@pytest.mark.parametrize("kind", sorted(zoo.KINDS))
def test_plain_keras_loads_what_kport_writes(kind: str, tmp_path: Path) -> None:
    model, inputs = zoo.build(kind)
    if kind != "preprocessing":
        zoo.train(model, inputs)
    kport.save(model, tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(zoo.outputs(loaded, inputs), zoo.outputs(model, inputs))
    if model.compiled:
        assert int(loaded.optimizer.iterations.numpy()) == 3


@pytest.mark.parametrize("kind", sorted(zoo.KINDS))
def test_what_plain_keras_writes_loads(kind: str, tmp_path: Path) -> None:
    model, inputs = zoo.build(kind)
    if kind != "preprocessing":
        zoo.train(model, inputs)
    model.save(tmp_path / "model.keras")
    loaded = kport.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(zoo.outputs(loaded, inputs), zoo.outputs(model, inputs))
    ours, theirs = values(loaded), values(model)
    slots = [name for name in theirs if name.startswith("optimizer.")]
    assert (len(slots) > 10) == model.compiled
    assert [name for name in slots if not np.array_equal(ours[name], theirs[name])] == []


@pytest.mark.parametrize("target", TARGETS)
def test_training_goes_on_as_if_never_stopped(target: str, tmp_path: Path) -> None:
    straight, inputs = zoo.build("nested")
    zoo.train(straight, inputs, 6)
    halfway, _ = zoo.build("nested")
    zoo.train(halfway, inputs, 3)
    kport.save(halfway, tmp_path / target)
    resumed = kport.load(tmp_path / target)
    zoo.train(resumed, inputs, 3)
    ours, theirs = values(resumed), values(straight)
    assert [name for name in theirs if not np.array_equal(ours[name], theirs[name])] == []


def test_the_safetensors_package_reads_the_names(tmp_path: Path) -> None:
    model, _ = zoo.build("nested")
    kport.save(model, tmp_path / "bundle")
    with safe_open(tmp_path / "bundle" / "model.safetensors", "numpy") as file:
        names = set(file.keys())
        kernel = file.get_tensor("encoder.dense.kernel")
    assert {"blocks.1.norm.moving_mean", "heads.wide.bias", "scale", "steps"} <= names
    np.testing.assert_array_equal(kernel, model.encoder.layers[0].kernel.numpy())


def test_names_do_not_depend_on_what_keras_numbered(tmp_path: Path) -> None:
    first, second = (capture(zoo.build("nested")[0]) for _ in range(2))
    assert list(first.tensors) == list(second.tensors)
    assert "encoder.block.project.kernel" in first.tensors


def test_an_archive_has_one_member_more_than_keras_writes(tmp_path: Path) -> None:
    model, _ = zoo.build("sequential")
    kport.save(model, tmp_path / "model.keras")
    names = zipfile.ZipFile(tmp_path / "model.keras").namelist()
    assert names == ["metadata.json", "config.json", "model.weights.h5", "kport.safetensors"]


def test_optimizer_and_metrics_can_be_left_out(tmp_path: Path) -> None:
    model, inputs = zoo.build("sequential")
    zoo.train(model, inputs)
    kport.save(model, tmp_path / "bundle", optimizer=False)
    assert not (tmp_path / "bundle" / "optimizer.safetensors").exists()
    assert kport.load(tmp_path / "bundle").compiled is False
    kport.save(model, tmp_path / "model.keras")
    bare = kport.load(tmp_path / "model.keras", compile=False)
    assert bare.compiled is False
    assert "optimizer.iterations" in kport.report_of(bare).dropped


def test_frozen_parts_stay_frozen_inside_subclassed_models(tmp_path: Path) -> None:
    model, inputs = zoo.build("nested")
    model.blocks[0].trainable = False
    model.encoder.layers[0].kernel.trainable = False
    zoo.train(model, inputs)
    kport.save(model, tmp_path / "bundle")
    loaded = kport.load(tmp_path / "bundle")
    assert loaded.blocks[0].trainable is False
    assert loaded.blocks[0].project.trainable is False
    assert loaded.blocks[1].trainable is True
    assert loaded.encoder.layers[0].kernel.trainable is False
    assert len(loaded.trainable_weights) == len(model.trainable_weights)
    assert_same_values(loaded, model)


def test_a_model_frozen_after_training_keeps_its_slots(tmp_path: Path) -> None:
    model, inputs = zoo.build("sequential")
    zoo.train(model, inputs)
    model.layers[0].trainable = False
    kport.save(model, tmp_path / "bundle")
    loaded = kport.load(tmp_path / "bundle")
    assert loaded.layers[0].trainable is False
    assert_same_values(loaded, model)


@pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer")
def test_slots_by_number_are_none_of_other_variables(tmp_path: Path) -> None:
    model, inputs = zoo.build("sequential")
    zoo.train(model, inputs)
    model.layers[0].trainable = False
    model.save(tmp_path / "plain.keras")
    loaded = kport.load(tmp_path / "plain.keras")
    report = kport.report_of(loaded)
    assert "optimizer.iterations" in report.supplied
    lines = [line for line in report.lines if "built for other variables" in line.detail]
    assert len(lines) == len(model.optimizer.variables)
    assert loaded.optimizer.iterations.numpy() == 0
    zoo.train(loaded, inputs, 1)


def test_a_dict_of_layers_is_kept_by_key_not_by_order(tmp_path: Path) -> None:
    model, inputs = zoo.build("nested")
    kport.save(model, tmp_path / "bundle")

    class Reordered(zoo.Nested):
        HEADS = zoo.Nested.HEADS[::-1]

    other = Reordered()
    other(np.zeros((1, 5), "float32"))
    kport.load_weights(other, tmp_path / "bundle")
    np.testing.assert_array_equal(zoo.outputs(other, inputs), zoo.outputs(model, inputs))


def test_a_tied_variable_is_stored_once_and_shared_again(tmp_path: Path) -> None:
    model, _ = zoo.build("functional")
    names = [name for name in capture(model).tensors if name.startswith("shared.")]
    assert len(names) == len(set(names)) == 4


@kport.register("tests")
class Remembers(keras.layers.Layer):
    """A layer that saves something that is no variable."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.table = np.zeros(3, "float32")

    def build(self, shape: Any) -> None:
        self.bias = self.add_weight(shape=(shape[-1],))

    def call(self, x: Any) -> Any:
        return x + self.bias + keras.ops.sum(keras.ops.convert_to_tensor(self.table))

    def save_own_variables(self, store: dict[str, Any]) -> None:
        super().save_own_variables(store)
        store["table"] = self.table

    def load_own_variables(self, store: dict[str, Any]) -> None:
        self.table = np.array(store["table"])
        self.bias.assign(store["0"])


@pytest.mark.parametrize("target", TARGETS)
def test_a_layers_own_saving_methods_are_called(target: str, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), Remembers()])
    model.layers[0].table = np.array([1, 2, 3], "float32")
    model.layers[0].bias.assign([5.0, 6.0])
    kport.save(model, tmp_path / target)
    loaded = kport.load(tmp_path / target)
    np.testing.assert_array_equal(loaded.layers[0].table, [1, 2, 3])
    np.testing.assert_array_equal(loaded.layers[0].bias.numpy(), [5, 6])
    plain = keras.saving.load_model(tmp_path / "model.keras") if target == "model.keras" else loaded
    np.testing.assert_array_equal(plain.layers[0].table, [1, 2, 3])


@kport.register("tests")
class NamedLikeBooks(keras.layers.Layer):
    """A layer whose parts have names that begin like those of TensorFlow's tracking."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._self_attention = keras.layers.Dense(2)
        self._self_weights = [keras.layers.Dense(2)]

    def call(self, x: Any) -> Any:
        return self._self_weights[0](self._self_attention(x))


@pytest.mark.parametrize("target", TARGETS)
def test_names_that_begin_with_self_are_names_of_users(target: str, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), NamedLikeBooks()])
    inputs = np.ones((2, 2), "float32")
    model.compile("adam", "mse")
    model.train_on_batch(inputs, inputs)
    kport.save(model, tmp_path / target)
    loaded = kport.load(tmp_path / target)
    assert_same_values(loaded, model)
    assert len(loaded.optimizer.variables) == len(model.optimizer.variables)
    np.testing.assert_array_equal(zoo.outputs(loaded, inputs), zoo.outputs(model, inputs))


def test_training_in_float8_goes_on(tmp_path: Path) -> None:
    dense = [keras.layers.Dense(3, name=name) for name in "ab"]
    model = keras.Sequential([keras.Input((3,)), *dense])
    for one in dense:
        one.quantize("float8")
    model.compile("adam", "mse")
    x = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
    model.fit(x, x, verbose=0)
    kport.save(model, tmp_path / "bundle")
    again = kport.load(tmp_path / "bundle")
    rows = [[one.name for one in each.trainable_variables] for each in (model, again)]
    assert rows[0] == rows[1]
    both = [one.fit(x, x, shuffle=False, epochs=2, verbose=0).history for one in (model, again)]
    assert both[0] == both[1]


def test_no_initializer_runs_for_a_value_that_the_file_has(tmp_path: Path) -> None:
    calls = []

    @keras.saving.register_keras_serializable("tests")
    class Counted(keras.initializers.Ones):
        def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
            calls.append(shape)
            return super().__call__(shape, dtype)

    model = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(3, kernel_initializer=Counted())]
    )
    assert calls == [(2, 3)]
    kport.save(model, tmp_path / "bundle")
    kport.load(tmp_path / "bundle")
    assert calls == [(2, 3)]
