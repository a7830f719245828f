"""What a user reads when a model and a file do not go together; nothing is changed or written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import zoo

import kport
from kport.checkpoint import digest
from kport.errors import (
    LoadError,
    MismatchError,
    MissingComponentError,
    SaveError,
    UnsafeFileError,
    UsageError,
)

pytestmark = pytest.mark.backend


def edited(path: Path, change: Any) -> Path:
    """Rewrite the config of a bundle by a function of it, its manifest made to agree."""
    config = path / "config.json"
    data = json.loads(config.read_text())
    change(data)
    text = json.dumps(data)
    config.write_text(text)
    manifest = path / "kport.json"
    listed = json.loads(manifest.read_text())
    found = digest(text.encode())
    listed["files"]["config.json"] = {"size": len(text), "blake3": found}
    manifest.write_text(json.dumps(listed))
    return path


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    model, _ = zoo.build("sequential")
    kport.save(model, tmp_path / "bundle")
    return tmp_path / "bundle"


def layer(data: dict[str, Any], index: int) -> dict[str, Any]:
    found: dict[str, Any] = data["config"]["layers"][index]
    return found


def test_every_missing_class_is_named_at_once(bundle: Path) -> None:
    def rename(data: dict[str, Any]) -> None:
        for index, name in ((1, "acme>Gone"), (3, "acme>Lost")):
            layer(data, index).update(module="acme.v1", class_name=name[5:], registered_name=name)

    with pytest.raises(MissingComponentError) as caught:
        kport.load(edited(bundle, rename))
    text = str(caught.value)
    assert str(bundle) in text
    assert "class 'acme>Gone' (written from acme.v1) is not registered" in text
    assert "class 'acme>Lost' (written from acme.v1) is not registered" in text
    assert "@kport.register" in text


def test_custom_objects_supply_a_class(bundle: Path) -> None:
    def rename(data: dict[str, Any]) -> None:
        layer(data, 1).update(module="acme", class_name="Mine", registered_name="acme>Mine")

    class Mine(keras.layers.Dense): ...

    edited(bundle, rename)
    for name in ("acme>Mine", "Mine"):
        assert type(kport.load(bundle, custom_objects={name: Mine}).layers[0]) is Mine


def test_a_shape_mismatch_names_both_sides(bundle: Path) -> None:
    def widen(data: dict[str, Any]) -> None:
        layer(data, 4)["config"]["units"] = 9

    with pytest.raises(MismatchError) as caught:
        kport.load(edited(bundle, widen))
    assert str(caught.value).splitlines()[1:3] == [
        "  - dense.bias: the file has shape [3], the model [9]",
        "  - dense.kernel: the file has shape [7, 3], the model [7, 9]",
    ]


def test_code_that_lost_a_layer_is_no_silent_loss(tmp_path: Path) -> None:
    model, _ = zoo.build("nested")
    kport.save(model, tmp_path / "bundle")

    class Changed(zoo.Nested):
        HEADS = ("wide", "deep")

    with pytest.raises(MismatchError) as caught:
        kport.load(tmp_path / "bundle", custom_objects={"zoo>Nested": Changed})
    text = str(caught.value)
    assert "heads.narrow.kernel: float32[6, 3] is in the file and not in the model" in text


def test_load_weights_is_all_or_nothing(bundle: Path) -> None:
    other = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(7, name="first"), keras.layers.Dense(4)]
    )
    before = [np.array(weight.numpy()) for weight in other.weights]
    with pytest.raises(MismatchError) as caught:
        kport.load_weights(other, bundle)
    text = str(caught.value)
    assert "dense.kernel: the file has shape [7, 3], the model [7, 4]" in text
    assert "batch_normalization.gamma: float32[7] is in the file and not in the model" in text
    for was, weight in zip(before, other.weights, strict=True):
        np.testing.assert_array_equal(weight.numpy(), was)


def test_load_weights_without_strict_reports_what_is_left(bundle: Path) -> None:
    other = keras.Sequential([keras.Input((5,)), keras.layers.Dense(7, name="first")])
    report = kport.load_weights(other, bundle, strict=False)
    assert report.matched == ("first.bias", "first.kernel")
    assert "batch_normalization.gamma" in report.dropped


def test_a_value_that_does_not_fit_the_dtype_is_no_silent_infinity(bundle: Path) -> None:
    half = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(7, name="first", dtype="float16")], name="half"
    )
    with pytest.raises(MismatchError, match=r"first\.kernel: the file has float32 values that"):
        kport.load_weights(half, bundle, strict=False)


def test_a_newer_component_says_so(tmp_path: Path) -> None:
    model, _ = zoo.build("nested")
    kport.save(model, tmp_path / "bundle")
    manifest = tmp_path / "bundle" / "kport.json"
    manifest.write_text(manifest.read_text().replace('"zoo>Nested":3', '"zoo>Nested":4'))
    with pytest.raises(LoadError, match="zoo>Nested: the file has version 4 of it and the code"):
        kport.load(tmp_path / "bundle")


def test_a_lambda_is_refused_at_save_with_its_place(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x, name="double")])
    with pytest.raises(SaveError) as caught:
        kport.save(model, tmp_path / "bundle")
    assert "double" in str(caught.value)
    assert "@kport.register" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_lambda_in_a_file_is_refused_and_shown(bundle: Path) -> None:
    def poison(data: dict[str, Any]) -> None:
        code = {"class_name": "__lambda__", "config": {"value": ["4wEAAAA=", None, None]}}
        layer(data, 1).update(class_name="Lambda", config={"name": "evil", "function": code})

    with pytest.raises(UnsafeFileError, match=r"evil.*Lambda carries Python bytecode") as caught:
        kport.load(edited(bundle, poison))
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("keras.utils", "get_file"),
        ("keras.saving", "load_model"),
        ("keras.config", "enable_unsafe_deserialization"),
        ("keras.src.utils.file_utils", "get_file"),
        ("keras.layers", "TFSMLayer"),
        ("keras.layers", "TorchModuleWrapper"),
        ("builtins", "exec"),
        ("os", "system"),
        ("subprocess", "Popen"),
    ],
)
@pytest.mark.parametrize("slot", ["class", "function"])
def test_gadgets_are_refused_wherever_they_stand(
    bundle: Path, module: str, name: str, slot: str
) -> None:
    def poison(data: dict[str, Any]) -> None:
        gadget = {"module": module, "class_name": name, "config": {}, "registered_name": None}
        if slot == "function":
            gadget |= {"class_name": "function", "config": name, "registered_name": name}
        layer(data, 1)["config"]["activation"] = gadget

    with pytest.raises(UnsafeFileError, match="is nothing a model may be made of"):
        kport.load(edited(bundle, poison))


def test_a_class_of_the_wrong_kind_is_refused_in_a_slot(bundle: Path) -> None:
    def poison(data: dict[str, Any]) -> None:
        layer(data, 1)["config"]["kernel_initializer"] = {
            "module": "keras.layers",
            "class_name": "Dense",
            "config": {"units": 1},
            "registered_name": None,
        }

    with pytest.raises(UnsafeFileError, match="Dense is a layer, expected initializer"):
        kport.load(edited(bundle, poison))


def test_a_vocabulary_path_in_a_file_is_refused(bundle: Path) -> None:
    def poison(data: dict[str, Any]) -> None:
        layer(data, 1).update(
            class_name="StringLookup", config={"name": "words", "vocabulary": "/etc/passwd"}
        )

    with pytest.raises(UnsafeFileError, match="StringLookup would read the file '/etc/passwd'"):
        kport.load(edited(bundle, poison))


def test_a_layer_of_a_newer_keras_is_missing_not_unsafe(bundle: Path) -> None:
    def future(data: dict[str, Any]) -> None:
        layer(data, 1).update(class_name="Telepathy")

    with pytest.raises(MissingComponentError, match="class 'Telepathy'"):
        kport.load(edited(bundle, future))


def test_a_model_that_is_not_built_is_no_empty_file(tmp_path: Path) -> None:
    with pytest.raises(SaveError, match="has no weights yet"):
        kport.save(keras.Sequential([keras.layers.Dense(2)]), tmp_path / "bundle")
    with pytest.raises(UsageError, match=r"expected a keras\.Model, got Dense"):
        kport.save(keras.layers.Dense(2), tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_report_of_a_model_that_kport_did_not_load() -> None:
    with pytest.raises(UsageError, match="kport did not load the model"):
        kport.report_of(zoo.build("sequential")[0])


def trained_by_its_own_compile() -> keras.Model:
    @keras.saving.register_keras_serializable("tests")  # kport.register would remember compile()
    class OwnCompile(zoo.Nested):
        def compile(self, rate: float) -> None:  # which no attribute keeps
            super().compile(keras.optimizers.Adam(rate), "mse")

    model = OwnCompile()
    inputs = np.ones((2, 5), "float32")
    model(inputs)
    model.compile(0.1)
    model.train_on_batch(inputs, np.ones((2, 3), "float32"))
    return model


def test_a_compile_that_nothing_tells_of_is_an_error_at_save(tmp_path: Path) -> None:
    model = trained_by_its_own_compile()
    with pytest.raises(SaveError, match="no attributes of OwnCompile tell what") as caught:
        kport.save(model, tmp_path / "bundle")
    assert "save with optimizer=False" in str(caught.value)
    kport.save(model, tmp_path / "bundle", optimizer=False)
    assert kport.load(tmp_path / "bundle").compiled is False


def test_an_optimizer_that_has_no_place_is_no_silent_loss(tmp_path: Path) -> None:
    model = trained_by_its_own_compile()
    model.rate = 0.1
    kport.save(model, tmp_path / "bundle")
    assert float(kport.load(tmp_path / "bundle").optimizer.learning_rate) == np.float32(0.1)
    type(model).compile = lambda self, rate: keras.Model.compile(
        self, keras.optimizers.SGD(rate), "mse"
    )
    with pytest.raises(MismatchError, match=r"optimizer\..*: .*compile=False leaves"):
        kport.load(tmp_path / "bundle")
    assert kport.load(tmp_path / "bundle", compile=False).compiled is False


def gelu(x: Any) -> Any:
    return x * 0 + 7


def mean_squared_error(truth: Any, predicted: Any) -> Any:
    return keras.ops.mean(predicted * 0 + 7, axis=-1)


def test_a_function_named_like_one_of_keras_is_not_taken_for_it(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation=gelu)])
    model.compile("sgd", mean_squared_error)
    with pytest.raises(SaveError, match="Keras has functions of its own by these") as caught:
        kport.save(model, tmp_path / "model")
    assert [(one.place.split(".")[-1], one.message) for one in caught.value.problems] == [
        ("gelu", "is named 'gelu'"),
        ("mean_squared_error", "is named 'mean_squared_error'"),
    ]
    assert not (tmp_path / "model").exists()
    theirs = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="gelu")])
    theirs.compile("sgd", keras.losses.mean_squared_error)
    kport.save(theirs, tmp_path / "model")
