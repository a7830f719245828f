"""What no file can hold, or no other backend compute: each is refused with words of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from scenarios._core import component

__all__ = ["REFUSED", "Refused"]

layers = keras.layers


@dataclass(frozen=True)
class Refused:
    """What a user builds, and what kport says to it.

    Arguments:
        make: Gives the model.
        words: A pattern in the error.
        rows: The rows of `rows.ROWS` that it is.
        at: Whether ``save`` or ``load`` refuses it.
        backends: Those that have something to refuse.
    """

    make: Callable[[], keras.Model]
    words: str
    rows: tuple[str, ...]
    at: str = "save"
    backends: tuple[str, ...] = ("tensorflow", "jax", "torch")


def graph(build: Any) -> keras.Model:
    entry = keras.Input((3,))
    return keras.Model(entry, build(entry))


def nobodys(x: Any) -> Any:
    return x * 2


def closure(factor: float) -> Any:
    def multiply(x: Any) -> Any:
        return x * factor

    return multiply


@component
class Calls(layers.Layer):
    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def call(self, x: Any) -> Any:
        return self.function(x)


@component
class Inside(keras.Model):
    """Makes its layers itself, so that no config tells them."""

    def __init__(self) -> None:
        super().__init__()
        self.first = layers.Dense(3, activation="relu")
        self.body = keras.Sequential([layers.Dense(3), layers.Dropout(0.1)])
        self.table = {"act": layers.ReLU()}
        self.last = Calls(keras.ops.sin)

    def call(self, x: Any) -> Any:
        return self.last(self.table["act"](self.body(self.first(x))))


@component
class Normalises(layers.Layer):
    def __init__(self, activation: Any = "relu") -> None:
        super().__init__()
        self.activation = keras.activations.get(activation)

    def call(self, x: Any) -> Any:
        return self.activation(x)


def changed(change: Callable[[Any], object]) -> Callable[[], keras.Model]:
    """Return what makes an `Inside` whose layers code has changed since."""

    def make() -> keras.Model:
        model = Inside()
        change(model)
        model(np.ones((1, 3), "float32"))
        return model

    return make


@component
class Raw(layers.Layer):
    """Holds what the backend trains, and Keras does not see."""

    def __init__(self, make: str) -> None:
        super().__init__()
        self.table = np.arange(3, dtype="float32")
        self.held = {"row": [BACKENDS_OWN[keras.backend.backend()][make]()]}
        if make == "buffer":
            self.register_buffer("mean", self.held.pop("row")[0])

    def call(self, x: Any) -> Any:
        return x


def _parameter() -> Any:
    import torch

    return torch.nn.Parameter(torch.ones(3))


def _buffer() -> Any:
    import torch

    return torch.ones(3)


def _variable() -> Any:
    import tensorflow as tf

    return tf.Variable([1.0, 2.0])


BACKENDS_OWN: dict[str, dict[str, Any]] = {
    "torch": {"parameter": _parameter, "buffer": _buffer, "none": object},
    "tensorflow": {"parameter": _variable, "buffer": object, "none": object},
    "jax": {"parameter": object, "buffer": object, "none": object},
}


def replaced(value: Any) -> keras.Model:
    layer = Normalises()
    model = graph(layer)
    layer.activation = value
    return model


def with_a_variable() -> keras.Model:
    factor = keras.Variable(np.arange(3, dtype="float32"))
    return graph(lambda x: layers.Dense(2)(x * factor))


def function_of_the_backend() -> Any:
    import importlib

    place = {"tensorflow": "tensorflow.nn", "jax": "jax.nn", "torch": "torch.nn.functional"}
    return importlib.import_module(place[keras.backend.backend()]).relu


REFUSED = {
    "lambda_layer": Refused(
        lambda: graph(layers.Lambda(lambda x: x * 2, name="odd")),
        r"a lambda cannot be saved.*\n  - config\(.*\(odd\)\.function: is a lambda",
        ("func_lambda",),
    ),
    "lambda_as_activation": Refused(
        lambda: graph(layers.Dense(2, activation=lambda x: x * 2, name="odd")),
        r"a lambda cannot be saved.*\n  - config\(.*\(odd\)\.activation: is a lambda",
        ("activation_lambda",),
    ),
    "function_in_a_lambda_layer": Refused(
        lambda: graph(layers.Lambda(nobodys)),
        r"function 'nobodys' is not registered",
        ("func_lambda_named_unregistered",),
        at="load",
    ),
    "function_as_activation": Refused(
        lambda: graph(layers.Dense(2, activation=nobodys)),
        r"function 'nobodys' is not registered",
        (),
        at="load",
    ),
    "function_of_the_backend": Refused(
        lambda: graph(layers.Dense(2, activation=function_of_the_backend())),
        r"Keras has functions of its own by these names",
        ("activation_backend_fn",),
    ),
    "closure_as_argument": Refused(
        lambda: graph(Calls(closure(2.0))),
        r"Calls was constructed with something that a file cannot hold",
        ("closure_ctor_arg",),
    ),
    "activation_of_a_layer_that_code_makes": Refused(
        changed(lambda model: setattr(model.first, "activation", keras.activations.tanh)),
        r'first\.activation: is "tanh" in the file and "relu" in the code here\nWas the code chan',
        (),
        at="load",
    ),
    "regularizer_of_a_layer_that_code_makes": Refused(
        changed(lambda model: setattr(model.first, "kernel_regularizer", keras.regularizers.L1())),
        r"first\.kernel_regularizer: is .*L1.* in the file and null in the code here",
        (),
        at="load",
    ),
    "rate_inside_a_sequential_that_code_makes": Refused(
        changed(lambda model: setattr(model.body.layers[-1], "rate", 0.5)),
        r"body\.layers\.[12]\.rate: is 0\.5 in the file and 0\.1 in the code here",
        (),
        at="load",
    ),
    "another_layer_in_the_place_of_one": Refused(
        changed(lambda model: model.table.update({"act": layers.LeakyReLU()})),
        r'table\.act: is "LeakyReLU" in the file and "ReLU" in the code here',
        (),
        at="load",
    ),
    "one_layer_more_and_one_less": Refused(
        changed(lambda model: model.table.update({"extra": model.table.pop("act"), "act": abs})),
        r"table\.extra: is a ReLU in the file and not in the code here\n"
        r"  - table\.act: is a ReLU in the code here and not in the file",
        (),
        at="load",
    ),
    "argument_of_a_layer_that_code_makes": Refused(
        changed(lambda model: setattr(model.last, "function", keras.ops.cos)),
        r'last\.function: is "cos" in the file and "sin" in the code here',
        (),
        at="load",
    ),
    "lambda_in_the_place_of_an_argument": Refused(
        changed(lambda model: setattr(model.last, "function", lambda x: x * 2)),
        r"\(Calls\): 'function' was set after __init__, whose argument it was\nMake the model with",
        (),
    ),
    "function_in_the_place_of_what_init_made_of_an_argument": Refused(
        lambda: replaced(keras.ops.tanh),
        r"\(Normalises\): 'activation' was set after __init__, whose argument it was",
        (),
    ),
    "parameter_of_the_backend": Refused(
        lambda: graph(Raw("parameter")),
        r"holds state that is no part of a Keras model\n  - raw\.held\.row\.0: is a \w+ and no var",
        (),
        backends=("tensorflow", "torch"),
    ),
    "buffer_of_the_backend": Refused(
        lambda: graph(Raw("buffer")) if keras.backend.backend() == "torch" else graph(abs),
        r"raw\.mean: is a Tensor and no variable of Keras\nMake it with self\.add_weight",
        (),
        backends=("torch",),
    ),
    "variable_in_a_graph": Refused(
        with_a_variable,
        r"Cannot serialize object <Variable",
        ("func_ops_with_constant_keras_variable",),
        backends=("jax", "torch"),
    ),
}
