"""A Sequential out of its config is what Keras's own `from_config` makes, by one build."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest

from kport.model._attributes import own_attributes
from kport.model._keras_sequential import built_once

pytestmark = pytest.mark.backend

layers = keras.layers


class Counted(layers.Layer):
    calls = 0

    def call(self, x: Any) -> Any:
        return x

    def compute_output_spec(self, x: Any) -> Any:
        type(self).calls += 1
        return keras.KerasTensor(x.shape, x.dtype)


class Shapeless(layers.Layer):
    def call(self, x: Any) -> Any:
        raise NotImplementedError


class Looking(keras.Sequential):
    """Its own `from_config` looks at the model that Keras's gives."""

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        model = super().from_config(config, custom_objects)
        model.said = model.output_shape
        return model


class Holder(layers.Layer):
    """Its constructor makes a Sequential and asks for its shape."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.inner = keras.Sequential([layers.Input((3,)), layers.Dense(4)])
        self.width = self.inner.output_shape[-1]

    def call(self, x: Any) -> Any:
        return self.inner(x)


def from_config(config: Any) -> Any:
    keras.utils.clear_session()  # what Keras names itself it counts
    return keras.saving.deserialize_keras_object(
        config, custom_objects={one.__name__: one for one in (Counted, Shapeless, Looking, Holder)}
    )


def test_keras_builds_it_after_each_layer_and_here_it_is_built_once() -> None:
    model = keras.Sequential([layers.Input((3,)), *(Counted() for _ in range(6))])
    config = keras.saving.serialize_keras_object(model)

    Counted.calls = 0
    from_config(config)
    assert Counted.calls == 1 + 2 + 3 + 4 + 5 + 6

    Counted.calls = 0
    with built_once():
        from_config(config)
    assert Counted.calls == 6


def without_entry() -> keras.Sequential:
    model = keras.Sequential([layers.Dense(4), layers.Dense(2)])
    model.build((None, 3))
    return model


MODELS: dict[str, Callable[[], keras.Sequential]] = {
    "empty": keras.Sequential,
    "one layer": lambda: keras.Sequential([layers.Dense(2)]),
    "not built": lambda: keras.Sequential([layers.Dense(2), layers.Dense(1)]),
    "without an Input": without_entry,
    "with an Input": lambda: keras.Sequential([layers.Input((3,)), layers.Dense(2)]),
    "an Input alone": lambda: keras.Sequential([layers.Input((3,))]),
    "nested": lambda: keras.Sequential(
        [
            keras.Sequential([layers.Input((3,)), layers.Dense(2), layers.Dropout(0.5)]),
            layers.Dense(5),
            keras.Sequential([layers.Dense(4), layers.Dense(3)]),
        ]
    ),
    "without a shape": lambda: keras.Sequential(
        [layers.Input((3,)), layers.Dense(2), Shapeless(), layers.Dense(1)]
    ),
    "of a subclass": lambda: Looking([layers.Input((3,)), layers.Dense(2)]),
    "with one inside a layer": lambda: keras.Sequential([layers.Input((3,)), Holder()]),
}


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_it_is_what_keras_makes(kind: str) -> None:
    config = keras.saving.serialize_keras_object(MODELS[kind]())
    theirs = from_config(config)
    with built_once():
        ours = from_config(config)
    assert told(ours) == told(theirs)


def told(model: keras.Sequential) -> dict[str, Any]:
    """What tells two models of one config apart: state, places of weights, and the graph."""
    return {
        "class": type(model),
        "config": model.get_config(),
        "built": model.built,
        "variables": [(one.path, one.shape) for one in model.variables],
        "inputs": str(getattr(model, "inputs", None)),
        "output": str(getattr(model, "output_shape", None)),
        "said": getattr(model, "said", None),
        "layers": [(type(one), one.name, one.built, one.path) for one in model.layers],
        "own": sorted(own_attributes(model)),
    }


def test_what_a_layer_cannot_take_is_said_as_by_keras() -> None:
    config = keras.saving.serialize_keras_object(
        keras.Sequential([layers.Input((3,)), layers.Dense(2)])
    )
    convolution = keras.saving.serialize_keras_object(layers.Conv2D(2, 3))
    config["config"]["layers"].append(convolution)
    with pytest.raises(ValueError, match="expected min_ndim=4") as theirs:
        from_config(config)
    with built_once(), pytest.raises(ValueError, match="expected min_ndim=4") as ours:
        from_config(config)
    assert str(ours.value) == str(theirs.value)


def test_keras_has_its_own_method_back() -> None:
    before = keras.Sequential.from_config.__func__
    with built_once():
        assert keras.Sequential.from_config.__func__ is not before
    assert keras.Sequential.from_config.__func__ is before
