"""Models whose arguments Keras forgets: found in attributes, or an error when they are saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kport
from kport.errors import SaveError

pytestmark = pytest.mark.backend

X = np.linspace(-1, 1, 8, dtype="float32").reshape(2, 4)


class Stack(keras.Model):
    """Keeps what it is given."""

    def __init__(self, units: int, rate: float = 0.1, sizes: Any = (3,), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self._rate, self.sizes = units, rate, sizes
        self.first = keras.layers.Dense(units)
        self.drop = keras.layers.Dropout(rate, seed=1)
        self.rest = [keras.layers.Dense(size) for size in sizes]

    def call(self, x: Any, training: bool = False) -> Any:
        x = self.drop(self.first(x), training=training)
        for one in self.rest:
            x = one(x)
        return x


class Outer(keras.Model):
    """Makes one of those in its own code."""

    def __init__(self, width: int = 2) -> None:
        super().__init__()
        self.stack = Stack(2 * width, rate=0.5, sizes=[width, width])

    def call(self, x: Any) -> Any:
        return self.stack(x)


class Forgetful(keras.Model):
    """Keeps nothing."""

    def __init__(
        self, rate: float = 0.1, activation: str = "relu", depth: int = 1, scale: float = 1.0
    ) -> None:
        super().__init__()
        self.drop = keras.layers.Dropout(rate)
        self.rows = [keras.layers.Dense(4, activation=activation) for _ in range(depth)]
        self.last = lambda x: x * scale

    def call(self, x: Any) -> Any:
        x = self.drop(x)
        for one in self.rows:
            x = one(x)
        return self.last(x)


class Graph(keras.Model):
    """Makes a functional model of itself."""

    def __init__(self, units: int, rate: float = 0.1) -> None:
        inputs = keras.Input((4,))
        hidden = keras.layers.Dropout(rate)(keras.layers.Dense(units)(inputs))
        super().__init__(inputs, keras.layers.Dense(4)(hidden))
        self.units, self._rate = units, rate


class Row(keras.Sequential):
    """Makes its layers itself; plain Keras adds them once more, and fails."""

    def __init__(self, units: int = 3, name: str | None = None) -> None:
        layers = [keras.Input((4,)), keras.layers.Dense(units), keras.layers.Dense(4)]
        super().__init__(layers, name=name)
        self.units = units


class Empty(keras.Sequential):
    """Gets its layers from outside."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name=name)


CLASSES = {
    "Stack": Stack,
    "Outer": Outer,
    "Forgetful": Forgetful,
    "Graph": Graph,
    "Row": Row,
    "Empty": Empty,
}


def alone() -> keras.Model:
    return Stack(5)


def alone_with_all() -> keras.Model:
    return Stack(5, 0.5, [4, 6])


def in_a_graph() -> keras.Model:
    inputs = keras.Input((4,))
    return keras.Model(inputs, Stack(3, sizes=(2, 2))(Stack(4, 0.3)(inputs)))


def in_a_sequential() -> keras.Model:
    return keras.Sequential([keras.Input((4,)), Stack(3, sizes=()), Forgetful()])


def a_graph() -> keras.Model:
    return Graph(5, 0.5)


def a_row() -> keras.Model:
    return Row(5, "named")


def an_empty_one_that_was_filled() -> keras.Model:
    model = Empty()
    for units in (3, 2):
        model.add(keras.layers.Dense(units))
    return model


def graphs_in_a_graph() -> keras.Model:
    inputs = keras.Input((4,))
    return keras.Model(inputs, Row(2)(Graph(3, 0.4)(Row()(inputs))))


def in_code() -> keras.Model:
    return Outer()


def outputs(model: Any, training: bool = False) -> Any:
    keras.utils.set_random_seed(1)
    return keras.ops.convert_to_numpy(model(X, training=training) if training else model(X))


@pytest.mark.parametrize("name", ["model.keras", "bundle"])
@pytest.mark.parametrize(
    "make",
    [
        alone,
        alone_with_all,
        in_a_graph,
        in_a_sequential,
        a_graph,
        a_row,
        an_empty_one_that_was_filled,
        graphs_in_a_graph,
        in_code,
    ],
)
def test_what_a_model_keeps_of_its_arguments_is_saved(tmp_path: Path, make: Any, name: str) -> None:
    model = make()
    expected = outputs(model)
    path = tmp_path / name
    kport.save(model, path)
    again = kport.load(path, custom_objects=CLASSES)
    np.testing.assert_array_equal(outputs(again), expected)
    assert again.name == model.name
    assert not kport.report_of(again).dropped
    assert rates(again) == rates(model)
    assert len(again.weights) == len(model.weights)
    kport.save(again, tmp_path / f"again_{name}")
    twice = kport.load(tmp_path / f"again_{name}", custom_objects=CLASSES)
    np.testing.assert_array_equal(outputs(twice), expected)


@pytest.mark.parametrize("name", ["model.keras", "bundle"])
def test_a_part_that_code_makes_is_loaded_with_its_arguments(tmp_path: Path, name: str) -> None:
    model = Outer()
    outputs(model)
    expected = outputs(model.stack)
    kport.save(model, tmp_path / name)
    part = kport.load(tmp_path / name, part="stack", custom_objects=CLASSES)
    np.testing.assert_array_equal(outputs(part), expected)
    assert (part.units, part.drop.rate) == (4, 0.5)


def rates(model: keras.Model) -> list[float]:
    return [one.rate for one in model._flatten_layers() if isinstance(one, keras.layers.Dropout)]


def test_a_class_that_has_defaults_alone_is_saved_as_keras_tells_it(tmp_path: Path) -> None:
    model = Forgetful()
    expected = outputs(model)
    kport.save(model, tmp_path / "bundle")
    again = kport.load(tmp_path / "bundle", custom_objects=CLASSES)
    np.testing.assert_array_equal(outputs(again), expected)


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ({"rate": 0.5}, "drop"),
        ({"activation": "tanh"}, "rows.0"),
        ({"depth": 2}, "rows.1"),
        ({"scale": 3.0}, "last"),
    ],
)
def test_what_nothing_keeps_is_an_error_when_it_is_saved(
    tmp_path: Path, arguments: dict[str, Any], place: str
) -> None:
    inputs = keras.Input((4,))
    model = keras.Model(inputs, Forgetful(**arguments)(inputs))
    with pytest.raises(SaveError) as caught:
        kport.save(model, tmp_path / "model.keras")
    assert f"has another {place}" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_the_remedy_of_that_error_helps(tmp_path: Path) -> None:
    model = Forgetful(rate=0.5, scale=3.0)
    expected = outputs(model)
    model.rate, model.scale = 0.5, 3.0
    kport.save(model, tmp_path / "bundle")
    again = kport.load(tmp_path / "bundle", custom_objects=CLASSES)
    np.testing.assert_array_equal(outputs(again), expected)
    assert again.drop.rate == 0.5


def test_a_get_config_set_on_the_model_tells_and_stays(tmp_path: Path) -> None:
    model = Forgetful(rate=0.5, scale=3.0)
    expected = outputs(model)

    def told() -> dict[str, Any]:
        return {"rate": 0.5, "scale": 3.0}

    model.get_config = told
    kport.save(model, tmp_path / "bundle")
    assert model.get_config is told
    again = kport.load(tmp_path / "bundle", custom_objects=CLASSES)
    np.testing.assert_array_equal(outputs(again), expected)
    assert again.drop.rate == 0.5


def test_a_dict_with_keys_of_several_types_is_an_argument(tmp_path: Path) -> None:
    class Table(keras.Model):
        def __init__(self, sizes: Any) -> None:
            super().__init__()
            self.sizes = sizes
            self.rows = [keras.layers.Dense(one) for one in sizes.values()]

        def call(self, x: Any) -> Any:
            return [row(x) for row in self.rows]

    model = Table({"a": 2, "b": 3})
    shapes = [one.shape for one in model(X)]
    model.sizes[1] = 4  # after the layers were made: these are no arguments any more
    with pytest.raises(SaveError):
        kport.save(model, tmp_path / "bundle")
    del model.sizes[1]
    kport.save(model, tmp_path / "bundle")
    again = kport.load(tmp_path / "bundle", custom_objects={"Table": Table})
    assert [one.shape for one in again(X)] == shapes


def test_an_attribute_that_has_come_to_mean_something_else_is_no_argument(tmp_path: Path) -> None:
    model = Forgetful()
    expected = outputs(model)
    model.depth = 7
    kport.save(model, tmp_path / "bundle")
    again = kport.load(tmp_path / "bundle", custom_objects=CLASSES)
    np.testing.assert_array_equal(outputs(again), expected)
    assert again.depth == 7
    assert len(again.rows) == 1


def test_saving_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    model = Outer(3)
    outputs(model)
    model.width = 3
    before = model.get_config(), set(vars(model))
    kport.save(model, tmp_path / "first")
    keras.layers.Dense(1)
    kport.save(model, tmp_path / "second")
    assert (model.get_config(), set(vars(model))) == before
    first, second = (tmp_path / one / "kport.json" for one in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


def test_a_loss_with_layers_is_none_of_the_arguments(tmp_path: Path) -> None:
    model = Stack(3)
    features = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.features = None
    model.compile("sgd", Distance(features))
    model.fit(X, np.zeros((2, 3), "float32"), verbose=0)
    kport.save(model, tmp_path / "bundle")
    again = kport.load(tmp_path / "bundle", custom_objects={**CLASSES, "Distance": Distance})
    np.testing.assert_array_equal(outputs(again), outputs(model))


@kport.register("test_auto_arguments")
class Distance(keras.losses.Loss):
    def __init__(self, features: keras.Model) -> None:
        super().__init__()
        self.features = features

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return keras.ops.mean(keras.ops.square(self.features(y_true) - self.features(y_pred)))


def pair() -> tuple[type, keras.Model]:
    """A class that nobody has registered yet, and a model of it that was given a model."""

    class Pair(keras.Model):
        def __init__(self, encoder: keras.Model, units: int = 2, activation: Any = "relu") -> None:
            super().__init__()
            self.encoder, self.units = encoder, units
            self.activation = keras.activations.get(activation)
            self.head = keras.layers.Dense(units)
            encoder.trainable = False

        def call(self, x: Any) -> Any:
            return self.activation(self.head(self.encoder(x)))

    return Pair, Pair(keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]), 5, "tanh")


@pytest.mark.parametrize("name", ["model.keras", "bundle"])
def test_a_class_may_be_registered_when_its_model_is_there(tmp_path: Path, name: str) -> None:
    cls, model = pair()
    model.encoder.trainable = True
    expected = outputs(model)
    with pytest.raises(SaveError, match=r"kport\.register\('your_package'\)\(Class\) now"):
        kport.save(model, tmp_path / name)
    kport.register(f"late_{name}")(cls)
    kport.save(model, tmp_path / name)
    assert model.encoder.trainable
    again = kport.load(tmp_path / name)
    np.testing.assert_array_equal(outputs(again), expected)
    assert (again.units, again.encoder.trainable) == (5, True)


def test_one_that_keeps_too_little_is_an_error_then(tmp_path: Path) -> None:
    class Late(keras.layers.Layer):
        def __init__(self, inner: keras.Layer, times: int = 2, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.held = inner
            self.times = times

        def call(self, x: Any) -> Any:
            for _ in range(self.times):
                x = self.held(x)
            return x

    model = keras.Sequential([keras.Input((4,)), Late(keras.layers.Dense(4), 3)])
    kport.register("late_and_lost")(Late)
    with pytest.raises(SaveError, match="keep each argument in an attribute of its name"):
        kport.save(model, tmp_path / "bundle")
    vars(model.layers[0])["inner"] = model.layers[0].held
    kport.save(model, tmp_path / "bundle")
    again = kport.load(tmp_path / "bundle")
    np.testing.assert_array_equal(outputs(again), outputs(model))
    assert again.layers[0].times == 3


def test_what_keras_remembers_of_a_layer_is_enough_when_it_is_registered(tmp_path: Path) -> None:
    class Late(keras.layers.Layer):
        def __init__(self, units: int) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(units)

        def call(self, x: Any) -> Any:
            return self.dense(x)

    model = keras.Sequential([keras.Input((4,)), Late(3)])
    kport.register("late_and_found")(Late)
    kport.save(model, tmp_path / "bundle")
    np.testing.assert_array_equal(outputs(kport.load(tmp_path / "bundle")), outputs(model))


@pytest.mark.parametrize("registered", [False, True], ids=["never", "late"])
def test_arguments_that_a_constructor_hands_on_are_found(tmp_path: Path, registered: bool) -> None:
    class Further(Stack):
        def __init__(self, *, extra: int = 1, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.extra = extra

    model = Further(units=5, extra=3)
    expected = outputs(model)
    if registered:
        kport.register("late_and_further")(Further)
    kport.save(model, tmp_path / "bundle")
    given = {} if registered else {"Further": Further}
    again = kport.load(tmp_path / "bundle", custom_objects=given)
    np.testing.assert_array_equal(outputs(again), expected)
    assert (again.units, again.extra) == (5, 3)


def halved(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.mean(keras.ops.abs(y_true - y_pred)) / 2


def own_compile() -> tuple[type, keras.Model]:
    """A class that nobody has registered yet, whose `compile` takes what it likes."""

    class Pretrained(keras.Model):
        def __init__(self, units: int = 1) -> None:
            super().__init__()
            self.units = units
            self.dense = keras.layers.Dense(units)

        def compile(
            self, inner: Any, outer: Any, distance: Any, weight: float = 1.0, **rest: Any
        ) -> None:
            super().compile(optimizer=outer, **rest)
            self.inner, self.outer, self.distance = keras.optimizers.get(inner), outer, distance
            self._weight = weight

        def call(self, x: Any) -> Any:
            return self.dense(x)

    keras.utils.set_random_seed(0)
    model = Pretrained(3)
    model.compile(
        keras.optimizers.Adam(0.02),
        keras.optimizers.SGD(0.1, momentum=0.9),
        keras.losses.Huber(0.3),
        0.25,
        loss="mse",
        metrics=["mae"],
    )
    return Pretrained, model


TARGETS = np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)


@pytest.mark.parametrize("registered", [False, True], ids=["never", "late"])
@pytest.mark.parametrize("name", ["model.keras", "bundle"])
def test_what_a_compile_of_its_own_was_given_is_found(
    tmp_path: Path, name: str, registered: bool
) -> None:
    cls, model = own_compile()
    model.fit(X, TARGETS, verbose=0)
    model.inner.build(model.trainable_variables)
    model.inner.variables[2].assign_add(np.ones((4, 3), "float32"))
    if registered:
        kport.register(f"compile_{name}")(cls)
    kport.save(model, tmp_path / name)
    again = kport.load(tmp_path / name, custom_objects={} if registered else {"Pretrained": cls})
    assert not kport.report_of(again).dropped
    assert type(again.inner) is type(model.inner)
    assert again.outer is again.optimizer
    assert again._weight == 0.25
    distances = [float(one.distance(np.zeros((2, 3)), TARGETS)) for one in (model, again)]
    assert distances[0] == distances[1]
    for ours, theirs in zip(model.inner.variables, again.inner.variables, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    for _ in range(2):
        theirs = again.fit(X, TARGETS, verbose=0).history
        assert model.fit(X, TARGETS, verbose=0).history == theirs


def test_a_function_given_to_such_a_compile_is_named(tmp_path: Path) -> None:
    cls, model = own_compile()
    outputs(model)
    model.compile("adam", "sgd", lambda x: x)
    with pytest.raises(SaveError, match=r"\['distance'\]: is a function"):
        kport.save(model, tmp_path / "bundle")
    kport.save(model, tmp_path / "bundle", optimizer=False)
    model.compile("adam", "sgd", halved)
    kport.register("test_auto_arguments")(halved)
    kport.save(model, tmp_path / "bundle")
    again = kport.load(tmp_path / "bundle", custom_objects={"Pretrained": cls, "halved": halved})
    assert again.distance is halved
    assert type(again.inner).__name__ == "Adam"


def test_a_compile_that_the_constructor_calls_needs_no_attributes(tmp_path: Path) -> None:
    class Ready(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(3)
            self.compile(0.25)

        def compile(self, rate: float) -> None:
            super().compile(keras.optimizers.SGD(rate, momentum=0.9), "mse")

        def call(self, x: Any) -> Any:
            return self.dense(x)

    model = Ready()
    model.fit(X, TARGETS, verbose=0)
    kport.save(model, tmp_path / "bundle")
    again = kport.load(tmp_path / "bundle", custom_objects={"Ready": Ready})
    assert float(again.optimizer.learning_rate) == 0.25
    theirs = again.fit(X, TARGETS, verbose=0).history
    assert model.fit(X, TARGETS, verbose=0).history == theirs


def test_what_a_compile_was_given_by_place_alone_is_not_guessed(tmp_path: Path) -> None:
    class Placed(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(3)

        def compile(self, *given: Any) -> None:
            super().compile(*given)

        def call(self, x: Any) -> Any:
            return self.dense(x)

    model = Placed()
    model.compile("sgd", "mse")
    model.fit(X, TARGETS, verbose=0)
    with pytest.raises(SaveError, match="no attributes of Placed tell"):
        kport.save(model, tmp_path / "bundle")
