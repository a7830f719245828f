"""Classes of users whose constructors hand other arguments on to a class of Keras's own."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kport
from kport.errors import SaveError

pytestmark = pytest.mark.backend


@kport.register("inherited")
class Half(keras.layers.Dropout):
    def __init__(self, rate: float) -> None:
        super().__init__(rate / 2, seed=1)


@kport.register("inherited")
class Same(keras.layers.Dropout):
    def __init__(self, rate: float) -> None:
        super().__init__(rate)


@kport.register("inherited")
class Wide(keras.layers.Dense):
    def __init__(self, units: int, kernel_initializer: Any = "ones", **kwargs: Any) -> None:
        super().__init__(units * 2, kernel_initializer=kernel_initializer, **kwargs)


@kport.register("inherited")
class Inverse(keras.layers.Rescaling):
    def __init__(self, scale: float) -> None:
        super().__init__(1 / scale)


@kport.register("inherited")
class Labelled(keras.layers.Layer):
    """Its arguments are called like those of any layer, and mean something else."""

    def __init__(self, name: str, dtype: str = "words", trainable: bool = False) -> None:
        super().__init__(name=f"the_{name}")
        self.kept = name, dtype, trainable

    def call(self, x: Any) -> Any:
        return x


@kport.register("inherited")
class Stack(keras.Sequential):
    def __init__(self, layers: int) -> None:
        super().__init__([keras.layers.Dense(2) for _ in range(layers)])


@kport.register("inherited")
class Deep(keras.Model):
    def __init__(self, layers: int) -> None:
        inputs = outputs = keras.Input((2,))
        for _ in range(layers):
            outputs = keras.layers.Dense(2)(outputs)
        super().__init__(inputs, outputs)


@kport.register("inherited")
class Given(keras.Sequential):
    def __init__(self, layers: Any, scale: int) -> None:
        super().__init__(layers)
        self.scale = scale


@kport.register("inherited")
class Twice(keras.regularizers.L2):
    def __init__(self, l2: float) -> None:
        super().__init__(l2 * 2)


@kport.register("inherited")
class Fast(keras.optimizers.SGD):
    def __init__(self, learning_rate: float = 0.1) -> None:
        super().__init__(learning_rate * 2)


@kport.register("inherited")
class Error(keras.metrics.MeanSquaredError):
    def __init__(self, name: str = "error") -> None:
        super().__init__(name=f"my_{name}")


LAYERS = {
    "half": (lambda: Half(0.5), lambda one: one.rate),
    "wide": (lambda: Wide(2), lambda one: one.units),
    "wide and more": (
        lambda: Wide(2, activation="tanh", name="w", dtype="mixed_bfloat16"),
        lambda one: (one.units, one.activation, one.name, one.dtype_policy.name),
    ),
    "inverse": (lambda: Inverse(4.0), lambda one: one.scale),
    "labelled": (
        lambda: Labelled("one"),
        lambda one: (one.kept, one.name, one.dtype_policy.name, one.trainable),
    ),
    "stack": (lambda: Stack(3), lambda one: len(one.layers)),
    "deep": (lambda: Deep(3), lambda one: len(one.layers)),
    "given": (
        lambda: Given([keras.layers.Dense(3), keras.layers.Dense(2)], 4),
        lambda one: (len(one.layers), one.scale),
    ),
    "regularizer": (
        lambda: keras.layers.Dense(2, kernel_regularizer=Twice(0.5)),
        lambda one: float(one.kernel_regularizer.l2),
    ),
}


@pytest.mark.parametrize("target", ["model.keras", "bundle"])
@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_is_made_of_what_it_was_given(kind: str, target: str, tmp_path: Path) -> None:
    make, look = LAYERS[kind]
    model = keras.Sequential([keras.Input((2,)), make(), keras.layers.Dense(1)])
    kport.save(model, tmp_path / target)
    loaded = kport.load(tmp_path / target)
    assert look(loaded.layers[0]) == look(model.layers[0])
    x = np.ones((1, 2), "float32")
    np.testing.assert_array_equal(*[keras.ops.convert_to_numpy(one(x)) for one in (model, loaded)])
    kport.save(loaded, tmp_path / f"again_{target}")
    if target == "bundle":
        files = (tmp_path / "bundle/config.json", tmp_path / "again_bundle/config.json")
        assert len({one.read_bytes() for one in files}) == 1
    else:
        plain = keras.saving.load_model(tmp_path / target)
        assert look(plain.layers[0]) == look(model.layers[0])


def test_training_goes_on_with_what_was_given(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(Fast(0.25), "mse", metrics=[Error("gap")])
    x = np.ones((4, 2), "float32")
    model.fit(x, x[:, :1], verbose=0)
    kport.save(model, tmp_path / "bundle")
    loaded = kport.load(tmp_path / "bundle")
    assert float(loaded.optimizer.learning_rate) == 0.5
    assert loaded.get_metrics_result().keys() == {"loss", "my_gap"}
    assert Fast.from_config(model.optimizer.get_config()).learning_rate == 0.5


def test_what_code_set_since_is_told_where_it_was_handed_on(tmp_path: Path) -> None:
    layer = Same(0.5)
    layer.rate = 0.75
    model = keras.Sequential([keras.Input((2,)), layer, keras.layers.Dense(1)])
    kport.save(model, tmp_path / "bundle")
    assert kport.load(tmp_path / "bundle").layers[0].rate == 0.75


def test_what_code_set_since_is_refused_where_another_was_made_of_it(tmp_path: Path) -> None:
    layer = Half(0.5)
    layer.rate = 0.75
    model = keras.Sequential([keras.Input((2,)), layer, keras.layers.Dense(1)])
    with pytest.raises(SaveError, match="'rate' was set after __init__, whose argument it was"):
        kport.save(model, tmp_path / "bundle")


@kport.register("inherited")
class Told(keras.layers.Layer):
    """Its `get_config` tells what `__init__` made of `rate`, and of `size` what it may be given."""

    def __init__(self, rate: float, size: float = 1.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate, self.size = rate * 2, int(size)

    def call(self, x: Any) -> Any:
        return x * self.rate

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "size": self.size}


def test_a_get_config_that_tells_what_was_made_of_an_argument_is_refused(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), Told(0.5, 2.5), keras.layers.Dense(1)])
    text = "get_config tells 'rate' as 1.0, of which __init__ makes 2.0; it was given 0.5"
    with pytest.raises(SaveError, match=text) as caught:
        kport.save(model, tmp_path / "bundle")
    assert "size" not in str(caught.value)
    model.layers[0].rate = 0.0  # of which it makes the same
    kport.save(model, tmp_path / "bundle")
    assert kport.load(tmp_path / "bundle").layers[0].rate == 0.0
