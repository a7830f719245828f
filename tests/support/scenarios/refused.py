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
    "variable_in_a_graph": Refused(
        with_a_variable,
        r"Cannot serialize object <Variable",
        ("func_ops_with_constant_keras_variable",),
        backends=("jax", "torch"),
    ),
}
