"""Things of one name: each keeps its own values, or it is said that nothing tells them apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kport
from kport.errors import UsageError

pytestmark = pytest.mark.backend

Dense = keras.layers.Dense
X = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)


@kport.register("tests.alike")
class ByKeys(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.parts = {key: [Dense(3)] for key in (1, "1", (1, 2), "(1, 2)", "", "0")}

    def call(self, x: Any) -> Any:
        for (part,) in self.parts.values():
            x = part(x)
        return x


@kport.register("tests.alike")
class InASet(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.parts = {Dense(3, name="one"), Dense(3, name="one")}

    def call(self, x: Any) -> Any:
        return sum(part(x) for part in self.parts)


def test_keys_that_read_alike_are_two(tmp_path: Path) -> None:
    model = ByKeys()
    expected = model.predict(X, verbose=0)
    kport.save(model, tmp_path / "bundle")
    assert len(kport.inspect(tmp_path / "bundle").tensors) == len(model.weights)
    assert (kport.load(tmp_path / "bundle").predict(X, verbose=0) == expected).all()


def test_layers_of_one_name_in_a_set_are_an_error(tmp_path: Path) -> None:
    model = InASet()
    model(X)
    with pytest.raises(UsageError, match=r"several objects of one name: one\nGive them"):
        kport.save(model, tmp_path / "bundle")


def test_metrics_of_one_name_have_each_its_own_sums(tmp_path: Path) -> None:
    entry = keras.Input((3,))
    model = keras.Model(entry, {name: Dense(3, name=name)(entry) for name in "ab"})
    both: Any = {"a": ["mae"], "b": ["mae"]}
    model.compile("adam", {"a": "mse", "b": "mse"}, metrics=both, weighted_metrics=both)
    model.fit(X, {"a": X, "b": -X}, sample_weight={"a": X[:, 0], "b": X[:, 1]}, verbose=0)
    kport.save(model, tmp_path / "bundle")
    again = kport.load(tmp_path / "bundle")
    sums = [[float(one) for one in each.metrics_variables] for each in (model, again)]
    assert len(set(sums[0])) > 4
    assert sums[0] == sums[1]
