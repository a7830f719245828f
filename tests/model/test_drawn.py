"""What constructors draw at random, or are given as tensors and graphs."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kport
from kport.errors import SaveError

pytestmark = [
    pytest.mark.backend,
    pytest.mark.filterwarnings("ignore:`build\\(\\)` was called on layer:UserWarning"),
]

X = np.arange(12, dtype="float32").reshape(4, 3) / 7
FORMATS = ("bundle", "model.keras")

tensor = keras.ops.convert_to_tensor


def draw(layer: Any) -> None:
    layer.mask = tensor(np.random.choice(5, 3), "float32")
    layer.noise = keras.random.normal((3,))
    layer.rows = {"bias": [np.random.normal(size=3).astype("float32")]}
    layer.shift = np.float32([random.gauss(0, 1)])
    layer.gains = [random.gauss(0, 1), {"more": np.random.default_rng().normal()}]
    layer.steps = int(np.random.default_rng().integers(10**9))


def compute(layer: Any, x: Any) -> Any:
    x = x * layer.gains[0] + layer.gains[1]["more"] + layer.steps % 7
    return x * layer.mask + layer.noise + tensor(layer.rows["bias"][0]) + tensor(layer.shift)


@kport.register("drawn")
class Drawing(keras.layers.Layer):
    def __init__(self, inner: Any = None) -> None:
        super().__init__()
        self.inner = inner
        if inner is not None:
            inner.trainable = False
        draw(self)

    def call(self, x: Any) -> Any:
        return compute(self, x if self.inner is None else self.inner(x))


@keras.saving.register_keras_serializable("drawn")
class DrawingOfKeras(keras.layers.Layer):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        draw(self)

    def call(self, x: Any) -> Any:
        return compute(self, x)


@kport.register("drawn")
class Forest(keras.Model):
    def __init__(self, count: int) -> None:
        super().__init__()
        self.trees = [Drawing() for _ in range(count)]

    def call(self, x: Any) -> Any:
        return sum(tree(x) for tree in self.trees)


def graph(layer: Any) -> keras.Model:
    entry = keras.Input((3,))
    return keras.Model(entry, layer(entry))


def forest() -> keras.Model:
    model = Forest(3)
    model(X)
    return model


def outputs(model: keras.Model) -> Any:
    return keras.ops.convert_to_numpy(model(X))


MAKERS = {
    "ours": lambda: graph(Drawing()),
    "around_a_layer": lambda: graph(Drawing(keras.layers.Dense(3))),
    "of_keras": lambda: graph(DrawingOfKeras()),
    "many": forest,
}


@pytest.mark.parametrize("maker", MAKERS)
def test_what_a_constructor_drew_comes_back_under_any_seed(maker: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    model = MAKERS[maker]()
    expected = outputs(model)
    for name in FORMATS:
        keras.utils.set_random_seed(1)
        kport.save(model, tmp_path / name)
        np.testing.assert_array_equal(outputs(kport.load(tmp_path / name)), expected)
    kport.save(kport.load(tmp_path / FORMATS[1]), tmp_path / "again.keras")
    assert (tmp_path / "again.keras").read_bytes() == (tmp_path / FORMATS[1]).read_bytes()


def test_saving_draws_nothing_and_leaves_arguments_alone(tmp_path: Path) -> None:
    def drawn() -> tuple[Any, ...]:
        return random.gauss(0, 1), np.random.random(), *np.ravel(keras.random.normal((3,))).tolist()

    inner = keras.layers.Dense(3)
    model = graph(Drawing(inner))
    inner.trainable = True
    keras.utils.set_random_seed(2)
    expected = drawn()
    keras.utils.set_random_seed(2)
    kport.save(model, tmp_path / "bundle")
    assert drawn() == expected
    assert inner.trainable
    assert kport.load(tmp_path / "bundle").layers[-1].inner.trainable


@kport.register("drawn")
class Given(keras.Model):
    def __init__(self, graph: Any, scale: Any = None, *rest: Any) -> None:
        super().__init__()
        self.nodes, self.edges = graph
        self.scale = scale
        self.dense = keras.layers.Dense(2)

    def call(self, places: Any) -> Any:
        nodes = self.dense(self.nodes) * keras.ops.cast(self.scale, "float32")
        return keras.ops.take(keras.ops.take(nodes, self.edges, axis=0), places, axis=0)


def test_tensors_that_a_constructor_was_given_come_back(tmp_path: Path) -> None:
    nodes = keras.ops.cast(np.arange(12).reshape(4, 3) / 7, "float32")
    places = np.array([0, 2])
    model = Given((nodes, tensor([3, 1, 2], "int32")), tensor([0.7], "bfloat16"))
    model(places)
    model.edges = tensor([0, 1, 1], "int32")
    expected = keras.ops.convert_to_numpy(keras.ops.cast(model(places), "float32"))
    for name in FORMATS:
        kport.save(model, tmp_path / name)
        loaded = kport.load(tmp_path / name)
        assert keras.ops.is_tensor(loaded.nodes)
        assert keras.backend.standardize_dtype(loaded.scale.dtype) == "bfloat16"
        got = keras.ops.convert_to_numpy(keras.ops.cast(loaded(places), "float32"))
        np.testing.assert_array_equal(got, expected)
        kport.save(loaded, tmp_path / f"again_{name}")
    assert (tmp_path / "again_model.keras").read_bytes() == (tmp_path / FORMATS[1]).read_bytes()


@kport.register("drawn")
class Trained(keras.Model):
    """Has nothing of its own but how it is trained."""


@kport.register("drawn")
class Tracked(keras.Model):
    def __init__(self, *args: Any, gain: Any = 1.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gain = gain
        self.tracker = keras.metrics.Mean(name="loss")


@kport.register("drawn")
class Signed(keras.Model):
    def __init__(self, inputs: Any, outputs: Any, name: Any = None, **kwargs: Any) -> None:
        super().__init__(inputs, outputs, name=name, **kwargs)


GIVEN: dict[str, Any] = {
    "none_of_its_own": lambda entry, end: Trained(entry, end),
    "by_name": lambda entry, end: Trained(inputs=entry, outputs={"a": end}, name="named"),
    "more_arguments": lambda entry, end: Tracked(entry, end, gain=(2.0, 3)),
    "signature": lambda entry, end: Signed(entry, [end, entry]),
}


@pytest.mark.parametrize("given", GIVEN)
def test_a_registered_class_may_be_given_a_graph(given: str, tmp_path: Path) -> None:
    for _ in range(2):  # Keras gives the class another base at the first
        entry = keras.Input((3,))
        model = GIVEN[given](entry, keras.layers.Dense(2)(entry))
    model.compile("adam", "mse")
    expected = keras.tree.map_structure(keras.ops.convert_to_numpy, model(X))
    for name in FORMATS:
        kport.save(model, tmp_path / name)
        loaded = kport.load(tmp_path / name)
        assert type(loaded) is type(model)
        assert (loaded.name, getattr(loaded, "gain", 0)) == (model.name, getattr(model, "gain", 0))
        got = keras.tree.map_structure(keras.ops.convert_to_numpy, loaded(X))
        keras.tree.map_structure(np.testing.assert_array_equal, got, expected)
        kport.save(loaded, tmp_path / f"again_{name}")
    assert (tmp_path / "again_model.keras").read_bytes() == (tmp_path / FORMATS[1]).read_bytes()
    keras.saving.load_model(tmp_path / FORMATS[1], compile=False)


@kport.register("drawn")
class Longer(keras.Model):
    def __init__(self, inputs: Any, outputs: Any, name: Any = None, **kwargs: Any) -> None:
        super().__init__(inputs, keras.layers.Dense(2)(outputs), name=name, **kwargs)


def test_a_graph_that_a_constructor_goes_on_from_is_refused(tmp_path: Path) -> None:
    entry = keras.Input((3,))
    with pytest.raises(SaveError, match="outputs: is a tensor of a graph, which a file holds"):
        kport.save(Longer(entry, entry + 1), tmp_path / "bundle")


@kport.register("drawn")
class Untold(keras.layers.Dense):
    def get_config(self) -> dict[str, Any]:
        return {"units": self.units}


def test_a_get_config_need_not_tell_the_name(tmp_path: Path) -> None:
    entry = keras.Input((3,))
    model = keras.Model(entry, Untold(2)(entry))
    model.compile("adam", "mse")
    model.train_on_batch(X, X[:, :2])
    kport.save(model, tmp_path / "model.keras")
    loaded = kport.load(tmp_path / "model.keras")
    assert [one.name for one in loaded.layers] == [one.name for one in model.layers]
    kport.save(loaded, tmp_path / "again.keras")
    assert (tmp_path / "again.keras").read_bytes() == (tmp_path / "model.keras").read_bytes()


@kport.register("drawn")
class Few(keras.layers.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.sign = tensor([float(np.random.choice([-1, 1]))])

    def call(self, x: Any) -> Any:
        return x * self.sign


def test_a_draw_that_comes_out_the_same_again_is_kept_as_well(tmp_path: Path) -> None:
    for _ in range(6):  # the layer is made once more at save, with the same sign half of the times
        model = graph(Few())
        kport.save(model, tmp_path / "bundle")
        made = {float(kport.load(tmp_path / "bundle").layers[-1].sign[0]) for _ in range(3)}
        assert made == {float(model.layers[-1].sign[0])}
