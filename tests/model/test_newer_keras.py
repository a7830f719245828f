"""Files of a newer Keras, in an older one."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import pytest

import kport
from kport.components import resolve
from kport.components._newer_keras import NEWER
from kport.errors import LoadError

pytestmark = pytest.mark.backend


@kport.register("newer")
class Own(keras.layers.Dense):
    """Inherits what Dense writes."""


@kport.register("newer")
class Scale(keras.layers.Layer):
    def __init__(self, **options: Any) -> None:
        super().__init__(name=options.pop("name", None))
        self.options = options


def config_of(layer: Any) -> Any:
    return keras.saving.serialize_keras_object(layer)


def public(name: str) -> Any:
    places = (keras.layers, keras.metrics, keras.initializers, keras.quantizers)
    return next(getattr(one, name) for one in places if hasattr(one, name))


@pytest.mark.parametrize("name", sorted(NEWER.keys() - {"GroupedQueryAttention"}))
def test_the_table_says_what_keras_has(name: str) -> None:
    parameters = inspect.signature(public(name).__init__).parameters
    version = tuple(map(int, keras.version().split(".")[:2]))
    for argument, (value, since) in NEWER[name].items():
        assert (argument in parameters) is (version >= tuple(map(int, since.split("."))))
        assert argument not in parameters or parameters[argument].default == value


@pytest.mark.parametrize("layer", [keras.layers.Dense(2), Own(2)])
def test_what_is_not_needed_is_left_out(layer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NEWER, "Dense", {"of_tomorrow": (None, "9.1"), "more": (1, "9.2")})
    config = config_of(layer)
    config["config"] |= {"of_tomorrow": None, "more": 1}
    made = keras.saving.deserialize_keras_object(resolve(config, {}, {}))
    assert made.get_config() == layer.get_config()
    config["config"] |= {"of_tomorrow": 3, "more": 2}
    with pytest.raises(LoadError, match=r"of_tomorrow=3 is an argument of Keras 9\.1\n.*more=2 is"):
        resolve(config, {}, {})


def test_a_class_of_a_user_may_have_such_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NEWER, "Dense", {"salt": (None, "9.1")})
    config = {"class_name": "Scale", "registered_name": "newer>Scale", "config": {"salt": None}}
    assert resolve(config, {}, {})["config"] == {"salt": None}
