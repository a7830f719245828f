"""Whatever a user builds comes back whole, or says what is missing; see tests/support/scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from scenarios import SCENARIOS, called, fingerprint, values

import kport
from kport.errors import SaveError

pytestmark = [
    pytest.mark.backend,
    # Keras says so of the models that some scenarios make on purpose, before kport sees them.
    pytest.mark.filterwarnings("ignore:`build\\(\\)` was called on layer:UserWarning"),
    pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method:UserWarning"),
    pytest.mark.filterwarnings("ignore:Layer Embedding does not have a `quantize:UserWarning"),
    # TensorFlow's own, at its import for a vocabulary.
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:tensorflow"),
]


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_it_comes_back_whole(name: str, tmp_path: Path) -> None:
    model, call = SCENARIOS[name]()
    called(model, call)
    before, told = values(model), fingerprint(model)
    targets = [tmp_path / "model.keras", tmp_path / "bundle"]
    for target in targets:
        kport.save(model, target)
    expected = called(model, call)
    assert np.ptp(expected) > 0
    for target in targets:
        loaded = kport.load(target)
        after = values(loaded)
        assert sorted(after) == sorted(before)
        assert [path for path in before if not np.array_equal(before[path], after[path])] == []
        assert fingerprint(loaded) == told
        np.testing.assert_array_equal(called(loaded, call), expected)


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


def test_a_subclass_that_is_not_registered_says_so(tmp_path: Path) -> None:
    base, call = SCENARIOS["layer_as_an_argument"]()

    class Further(type(base)):  # type: ignore[misc]  # a class found at run time
        pass

    model = Further(keras.layers.Dense(2), keras.layers.Dense(2))
    called(model, call)
    with pytest.raises(SaveError, match="Further is not registered"):
        kport.save(model, tmp_path / "bundle")
