"""Classes of users who wrote neither ``**kwargs`` nor all of `get_config`, and register nothing."""

import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kport
from kport.errors import LoadError, SaveError

pytestmark = pytest.mark.backend


class Bare(keras.layers.Layer):
    """Its config is Keras's own, with what its constructor does not take."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(units)

    def call(self, x: Any) -> Any:
        return self.dense(x)


class Scaled(Bare):
    def __init__(self, units: int, scale: float) -> None:
        super().__init__(units)
        self.units, self.scale = units, scale

    def call(self, x: Any) -> Any:
        return super().call(x) * self.scale

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "scale": self.scale}


@kport.register("constructors")
class Registered(Scaled):
    def __init__(self, units: int, scale: float) -> None:
        super().__init__(units, scale)


class Forgetful(Scaled):
    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["scale"]
        return config


class Whole(keras.Model):
    def __init__(self, units: int) -> None:
        super().__init__()
        self.inner = Forgetful(units, 3.0)

    def call(self, x: Any) -> Any:
        return self.inner(x)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": 2}


class Silent(keras.regularizers.Regularizer):
    def __call__(self, x: Any) -> Any:
        return keras.ops.sum(x) * 0


class Untold(keras.layers.Layer):
    def __init__(self, given: Any) -> None:
        super().__init__()
        self.given = given

    def call(self, x: Any) -> Any:
        return x


INPUTS = np.arange(6, dtype="float32").reshape(2, 3)
CLASSES = {cls.__name__: cls for cls in (Bare, Scaled, Forgetful, Whole)}


def graph(*layers: keras.layers.Layer) -> keras.Model:
    start = x = keras.Input((3,))
    for layer in layers:
        x = layer(x)
    return keras.Model(start, x)


def outputs(model: keras.Model) -> Any:
    return keras.ops.convert_to_numpy(model(INPUTS))


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_constructor_takes_no_keywords_of_keras(tmp_path: Path, policy: str) -> None:
    keras.config.set_dtype_policy(policy)
    try:
        layers = [Bare(3), Scaled(3, 2.0), Registered(3, 0.5)]
        layers[1].trainable = False
        model = graph(*layers)
        kport.save(model, tmp_path / "m.keras")
    finally:
        keras.config.set_dtype_policy("float32")
    loaded = kport.load(tmp_path / "m.keras", custom_objects=CLASSES)
    for name in ("name", "trainable", "dtype_policy"):
        assert [getattr(one, name) for one in loaded.layers] == [
            getattr(one, name) for one in model.layers
        ]
    np.testing.assert_array_equal(outputs(loaded), outputs(model))
    kport.save(loaded, tmp_path / "again.keras")
    assert (tmp_path / "again.keras").read_bytes() == (tmp_path / "m.keras").read_bytes()


def test_an_argument_that_a_constructor_must_have_is_missed_at_save(tmp_path: Path) -> None:
    with pytest.raises(SaveError, match="leaves out the argument 'scale' of __init__") as caught:
        kport.save(graph(Forgetful(3, 2.0)), tmp_path / "m.keras")
    assert str(caught.value).endswith("let @kport.register remember what __init__ was given.")
    whole = Whole(2)  # whose code gives the argument
    expected = outputs(whole)
    kport.save(whole, tmp_path / "whole.keras")
    loaded = kport.load(tmp_path / "whole.keras", custom_objects=CLASSES)
    np.testing.assert_array_equal(outputs(loaded), expected)


def test_all_classes_without_a_config_are_named_at_once(tmp_path: Path) -> None:
    model = graph(Untold(object()), keras.layers.Dense(2, activity_regularizer=Silent()))
    with pytest.raises(SaveError) as caught:
        kport.save(model, tmp_path / "m.keras")
    assert [(one.place.split(".")[-1], one.message) for one in caught.value.problems] == [
        ("Untold", "has no get_config"),
        ("Silent", "has no get_config"),
    ]
    assert "kport.register('your_package')(Class) now" in str(caught.value)


def test_a_file_with_too_few_arguments_says_what_to_do(tmp_path: Path) -> None:
    graph(Forgetful(3, 2.0)).save(tmp_path / "m.keras")
    text = "missing 1 required positional argument: 'scale'\nLet the __init__ of that class take"
    with pytest.raises(LoadError, match=re.escape(text)):
        kport.load(tmp_path / "m.keras", custom_objects=CLASSES)


@kport.register("constructors")
class Around(keras.layers.Layer):
    """Builds the layer it is given, whether or not that is built."""

    def __init__(self, layer: keras.Layer) -> None:
        super().__init__()
        self.layer = layer

    def build(self, shape: Any) -> None:
        self.layer.build(shape)
        self.kernel = self.layer.kernel
        self.gain = self.add_weight(shape=self.kernel.shape[-1:], initializer="ones")

    def call(self, x: Any) -> Any:
        return keras.ops.matmul(x, self.kernel * self.gain)


@kport.register("constructors")
class Uncalled(keras.Model):
    def __init__(self, around: keras.Layer) -> None:
        super().__init__()
        self.around = around

    def call(self, x: Any) -> Any:
        return self.around(x)


@pytest.mark.parametrize("make", [graph, Uncalled])
def test_a_build_that_builds_the_layer_it_was_given(tmp_path: Path, make: Any) -> None:
    model = make(Around(keras.layers.Dense(2, use_bias=False)))
    expected = outputs(model)
    kport.save(model, tmp_path / "m.keras")
    loaded = kport.load(tmp_path / "m.keras")
    np.testing.assert_array_equal(outputs(loaded), expected)
    inner = next(one for one in loaded._flatten_layers() if isinstance(one, Around)).layer
    assert len(loaded.weights) == 2
    assert inner.build.__name__ == keras.layers.Dense(2).build.__name__


@kport.register("constructors")
class WithLambda(keras.layers.Layer):
    def __init__(self, change: Any = lambda x: x * 2) -> None:
        super().__init__()
        self.change = change

    def call(self, x: Any) -> Any:
        return self.change(x)


def test_a_default_that_no_file_can_hold_comes_of_the_code(tmp_path: Path) -> None:
    model = graph(WithLambda())
    kport.save(model, tmp_path / "m.keras")
    loaded = kport.load(tmp_path / "m.keras")
    np.testing.assert_array_equal(outputs(loaded), outputs(model))
    with pytest.raises(SaveError, match=r"change: is a function .*, which a file cannot hold"):
        kport.save(graph(WithLambda(lambda x: x * 3)), tmp_path / "m.keras")
