"""What no file can hold, and what scenarios are beside whole; tests/crossing has all the rest."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from resume import TRAININGS
from scenarios import ELSEWHERE, NOT_BY_KERAS, REFUSED, ROWS, SCENARIOS, called, fingerprint

import kport
from kport.errors import KportError, MissingComponentError, SaveError

pytestmark = [
    pytest.mark.backend,
    # Keras says so of the models that some scenarios make on purpose, before kport sees them.
    pytest.mark.filterwarnings("ignore:`build\\(\\)` was called on layer:UserWarning"),
    pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method:UserWarning"),
    pytest.mark.filterwarnings("ignore:Layer Embedding does not have a `quantize:UserWarning"),
    pytest.mark.filterwarnings(
        "ignore:The object being serialized includes a `lambda`:UserWarning"
    ),
    # TensorFlow's own, at its import for a vocabulary.
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:tensorflow"),
]


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_no_file_can_hold_is_said(name: str, tmp_path: Path) -> None:
    refused = REFUSED[name]
    model = refused.make()
    if keras.backend.backend() not in refused.backends:
        kport.save(model, tmp_path / "bundle")
        return
    if refused.at == "load":
        kport.save(model, tmp_path / "bundle")
    act = kport.load if refused.at == "load" else partial(kport.save, model)
    with pytest.raises(KportError, match=refused.words):
        act(tmp_path / "bundle")


@pytest.mark.parametrize("change", ["layer", "model"])
def test_keras_makes_nothing_in_a_first_call(change: str) -> None:
    class Lazy(keras.Model if change == "model" else keras.layers.Layer):
        def call(self, x: Any) -> Any:
            self.late = keras.layers.Dense(2)
            return self.late(x)

    with pytest.raises(ValueError, match="You cannot add new elements of state"):
        Lazy()(np.ones((1, 2), "float32"))


def test_keras_ties_no_kernel_of_a_built_layer() -> None:
    first, second = (keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)]) for _ in "ab")
    with pytest.raises(ValueError, match="You cannot add new elements of state"):
        second.layers[0].kernel = first.layers[0].kernel


def test_every_row_of_the_tables_is_a_test() -> None:
    shown = {row for one in [*SCENARIOS.values(), *REFUSED.values()] for row in one.rows}
    shown |= {row for one in TRAININGS.values() for row in one.rows.split()}
    shown |= {*NOT_BY_KERAS, *ELSEWHERE}
    rows = [row for table in ROWS.values() for row in table]
    assert len(rows) == len(set(rows))
    assert shown == set(rows)


@pytest.mark.parametrize("row", sorted(ELSEWHERE))
def test_the_test_of_a_row_is_there(row: str) -> None:
    file, _, test = ELSEWHERE[row].partition("::")
    assert f"def {test}(" in (Path(__file__).parents[1] / file).read_text()


def test_arguments_come_back_as_they_were(tmp_path: Path) -> None:
    model, call = SCENARIOS["arguments_of_every_sort"]()
    called(model, call)
    kport.save(model, tmp_path / "bundle")
    loaded = kport.load(tmp_path / "bundle")
    assert loaded.sizes == model.sizes
    assert type(loaded.sizes) is type(model.sizes)
    assert loaded.mode is model.mode
    assert loaded.function is model.function
    for name in ("steps", "names", "places", "number", "blob", "wave"):
        assert loaded.given[name] == model.given[name]
        assert type(loaded.given[name]) is type(model.given[name])
    assert loaded.given["table"].dtype == model.given["table"].dtype


def test_a_layer_in_two_arguments_is_one_layer_again(tmp_path: Path) -> None:
    model, call = SCENARIOS["one_layer_in_two_arguments"]()
    called(model, call)
    kport.save(model, tmp_path / "bundle")
    loaded = kport.load(tmp_path / "bundle")
    assert loaded.first.inner is loaded.second.inner


def test_a_layer_in_two_functional_parts_is_trained_as_one_again(tmp_path: Path) -> None:
    model, call = SCENARIOS["one_layer_in_two_functional_parts"]()
    kport.save(model, tmp_path / "bundle")
    loaded = kport.load(tmp_path / "bundle")
    assert len(loaded.trainable_weights) == len(model.trainable_weights)
    for one in (model, loaded):
        one.compile(keras.optimizers.SGD(0.1), "mse")
        one.train_on_batch(call[0][0], np.ones((4, 3), "float32"))
    np.testing.assert_array_equal(called(loaded, call), called(model, call))


@pytest.mark.parametrize("names", ["ab", "yz"])  # Keras sorts "layers" between them
def test_the_order_of_attributes_is_no_matter(names: str, tmp_path: Path) -> None:
    @kport.register("tests", name=f"Two{names}")
    class Two(keras.Model):
        def __init__(self, order: str) -> None:
            super().__init__()
            for name in order:
                setattr(self, name, keras.layers.Dense(3))

        def call(self, x: Any) -> Any:
            return getattr(self, names[1])(getattr(self, names[0])(x))

    x = np.ones((2, 3), "float32")
    one, other = Two(names), Two(names[::-1])
    expected, _ = one(x), other(x)
    kport.save(one, tmp_path / "bundle")
    kport.load_weights(other, tmp_path / "bundle")
    np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (other(x), expected)))


def test_name_dtype_and_trainable_need_no_kwargs(tmp_path: Path) -> None:
    model, call = SCENARIOS["layer_as_an_argument"]()
    model.first.trainable = False
    model.name = "mine"
    called(model, call)
    kport.save(model, tmp_path / "bundle")
    loaded = kport.load(tmp_path / "bundle")
    assert (loaded.name, loaded.first.trainable) == ("mine", False)


def test_what_a_file_cannot_hold_is_named_at_save(tmp_path: Path) -> None:
    @kport.register("tests")
    class Takes(keras.Model):
        def __init__(self, function: Any, thing: Any) -> None:
            super().__init__()
            self.function = function
            self.out = keras.layers.Dense(1)

        def call(self, x: Any) -> Any:
            return self.function(self.out(x))

    model = Takes(lambda x: x, object())
    model(np.ones((1, 2), "float32"))
    with pytest.raises(SaveError) as caught:
        kport.save(model, tmp_path / "bundle")
    text = str(caught.value)
    assert "Takes was constructed with something that a file cannot hold" in text
    assert "function: is a function (<function" in text
    assert "thing: is a object" in text
    assert "@kport.register" in text
    assert list(tmp_path.iterdir()) == []


def test_a_get_config_that_forgets_an_argument_is_reported(tmp_path: Path) -> None:
    @kport.register("tests")
    class Forgets(keras.layers.Layer):
        def __init__(self, units: int, factor: float = 1.0, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.units, self.factor = units, factor

        def call(self, x: Any) -> Any:
            return x * self.factor

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "units": self.units}

    fine = keras.Sequential([keras.Input((2,)), Forgets(3)])
    kport.save(fine, tmp_path / "fine")
    wrong = keras.Sequential([keras.Input((2,)), Forgets(3, factor=2.0, name="scale")])
    with pytest.raises(SaveError, match=r"scale \(Forgets\): get_config leaves out the argument"):
        kport.save(wrong, tmp_path / "wrong")


def test_a_subclass_that_is_not_registered_is_saved_and_asked_for(tmp_path: Path) -> None:
    base, call = SCENARIOS["layer_as_an_argument"]()

    class Further(type(base)):  # type: ignore[misc]  # a class found at run time
        pass

    model = Further(keras.layers.Dense(2), keras.layers.Dense(2))
    called(model, call)
    kport.save(model, tmp_path / "bundle")
    with pytest.raises(MissingComponentError, match=r"class 'Further' \(.*\) is not registered"):
        kport.load(tmp_path / "bundle")
    again = kport.load(tmp_path / "bundle", custom_objects={"Further": Further})
    assert fingerprint(again) == fingerprint(model)


def test_what_compile_was_given_and_no_file_can_hold_is_named(tmp_path: Path) -> None:
    model, _ = SCENARIOS["several_optimizers_given_to_compile"]()
    model.compile("adam", "sgd", lambda a, b: a - b)
    with pytest.raises(SaveError) as caught:
        kport.save(model, tmp_path / "bundle")
    text = str(caught.value)
    assert "compile() of Gan was given something that a file cannot hold" in text
    assert "compile['args'][2]: is a function (<function" in text
    assert "Register functions and classes with @kport.register" in text
    kport.save(model, tmp_path / "bundle", optimizer=False)


def test_a_compile_of_a_class_that_is_not_registered_says_so(tmp_path: Path) -> None:
    base, call = SCENARIOS["several_optimizers_given_to_compile"]()

    class Other(type(base)):  # type: ignore[misc]  # a class found at run time
        def compile(self, optimizer: Any) -> None:
            super().compile(optimizer, optimizer, None)

        def get_config(self) -> dict[str, Any]:
            return {}

    model = Other()
    called(model, call)
    model.compile("sgd")
    with pytest.raises(SaveError) as caught:
        kport.save(model, tmp_path / "bundle")
    assert "Other has a compile() of its own and is not registered" in str(caught.value)
    assert "Decorate Other with @kport.register, or save with optimizer=False" in str(caught.value)


@pytest.mark.parametrize("name", ["a_policy_map", "layers_in_sets"])
def test_what_was_loaded_is_saved_as_the_same_bytes(name: str, tmp_path: Path) -> None:
    for turn in range(3):  # the order of a set is another by chance
        model, call = SCENARIOS[name]()
        called(model, call)
        first, second = tmp_path / f"{turn}.keras", tmp_path / f"{turn}_again.keras"
        kport.save(model, first)
        loaded = kport.load(first)
        kport.save(loaded, second)
        assert second.read_bytes() == first.read_bytes()
        for one, other in zip(model.weights, loaded.weights, strict=True):
            np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (one, other)))
