"""What a model was called with, where its call must have several arguments, or names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kport
from kport.model import capture

pytestmark = pytest.mark.backend

X, Y = np.ones((4, 3), "float32"), np.ones((4, 2), "int32")


class Base(keras.Model):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(2)


@kport.register("calls")
class Mixed(Base):
    def call(self, first: Any, *, rest: Any, scale: Any = None, training: bool = False) -> Any:
        return self.dense(first["x"]) + keras.ops.cast(rest[0], "float32")


@kport.register("calls")
class Several(Base):
    def call(self, first: Any, second: Any, mask: Any = None) -> Any:
        return self.dense(first) + keras.ops.cast(second, "float32")


@kport.register("calls")
class Number(Base):
    def call(self, first: Any, *, times: float) -> Any:
        return self.dense(first) * times


class Alone(Base):
    """Registered with nobody."""

    def call(self, *, first: Any) -> Any:
        return self.dense(first)


def of(shape: tuple[int, ...], dtype: str) -> dict[str, Any]:
    return {"shape": [None, *shape], "dtype": dtype}


@pytest.mark.parametrize(
    ("kind", "args", "kwargs", "expected"),
    [
        (
            Mixed,
            [{"x": X}],
            {"rest": [Y]},
            {"first": {"x": of((3,), "float32")}, "rest": [of((2,), "int32")]},
        ),
        (Several, [X, Y], {}, {"first": of((3,), "float32"), "second": of((2,), "int32")}),
        (Several, [X], {"second": Y}, {"first": of((3,), "float32"), "second": of((2,), "int32")}),
        (Number, [X], {"times": 2.0}, None),
        (Alone, [], {"first": X}, {"first": of((3,), "float32")}),
    ],
)
def test_a_model_knows_what_it_was_called_with(
    kind: Any, args: Any, kwargs: Any, expected: Any, tmp_path: Path
) -> None:
    model = kind()
    model(*args, **kwargs)
    model(*args, **kwargs, training=True)
    assert capture(model).spec.signature == expected
    if kind is not Alone:
        kport.save(model, tmp_path / "model.keras")
        assert capture(kport.load(tmp_path / "model.keras")).spec.signature == expected
