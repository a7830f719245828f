"""Metrics that a class makes itself, replaced before the model was built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kport
from kport.errors import MismatchError

pytestmark = pytest.mark.backend

X = np.arange(6, dtype="float32").reshape(2, 3)
metrics = keras.metrics


@kport.register("own_metrics")
class Head(keras.layers.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.kernel = keras.layers.Dense(1)
        self.seen = metrics.BinaryAccuracy(threshold=0.2)

    def call(self, x: Any) -> Any:
        return self.kernel(x)


@kport.register("own_metrics")
class Own(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.head = Head()
        self.right = metrics.BinaryAccuracy(threshold=0.2)
        self.row = [metrics.BinaryAccuracy(threshold=0.2), keras.optimizers.SGD(0.1)]
        self.table = {"precision": metrics.Precision(thresholds=0.2), 2: [metrics.Mean()]}

    def call(self, x: Any) -> Any:
        return self.head(x)


def other() -> Any:
    return metrics.BinaryAccuracy(threshold=0.6, name="mine")


CHANGES: dict[str, tuple[Callable[[Any], object], Callable[[Any], Any]]] = {
    "attribute": (lambda model: setattr(model, "right", other()), lambda model: model.right),
    "inner": (lambda model: setattr(model.head, "seen", other()), lambda model: model.head.seen),
    "in place": (
        lambda model: setattr(model.right, "threshold", 0.6),
        lambda model: model.right,
    ),
    "name": (lambda model: setattr(model.right, "name", "mine"), lambda model: model.right),
    "list": (lambda model: model.row.__setitem__(0, other()), lambda model: model.row[0]),
    "dict": (
        lambda model: model.table.update({"precision": metrics.Precision(thresholds=0.6)}),
        lambda model: model.table["precision"],
    ),
    "list in a dict": (
        lambda model: model.table[2].__setitem__(0, other()),
        lambda model: model.table[2][0],
    ),
    "beside": (lambda model: setattr(model, "beside", other()), lambda model: model.beside),
}


@pytest.mark.parametrize("change", CHANGES)
def test_it_counts_on_as_it_was(change: str, tmp_path: Path) -> None:
    replace, which = CHANGES[change]
    model = Own()
    replace(model)
    model(X)
    update(which(model))
    for name in ("bundle", "model.keras"):
        kport.save(model, tmp_path / name)
    loaded = [kport.load(tmp_path / name) for name in ("bundle", "model.keras")]
    expected = update(which(model))
    for one in loaded:
        assert which(one).get_config() == which(model).get_config()
        kport.save(one, tmp_path / "again.keras")
        assert (tmp_path / "again.keras").read_bytes() == (tmp_path / "model.keras").read_bytes()
        assert update(which(one)) == expected


def update(metric: Any) -> list[float]:
    metric.update_state([1.0, 0.0, 1.0, 1.0], [0.3, 0.4, 0.7, 0.1])
    return [float(number) for one in metric.variables for number in np.ravel(one.numpy())]


def test_an_optimizer_in_a_list_goes_on_as_it_was(tmp_path: Path) -> None:
    model = Own()
    model(X)
    model.row[1] = keras.optimizers.Adam(0.5)
    model.row[1].build(model.trainable_variables)
    kport.save(model, tmp_path / "bundle")
    loaded = kport.load(tmp_path / "bundle")
    assert loaded.row[1].get_config() == model.row[1].get_config()
    assert [one.path for one in loaded.row[1].variables]


def test_one_for_which_code_has_no_place_is_told(tmp_path: Path) -> None:
    model = Own()
    model.row.append(metrics.Mean(name="more"))
    model(X)
    kport.save(model, tmp_path / "bundle")
    with pytest.raises(
        MismatchError, match=r"row\.2\.total: float32\[\] is in the file and not in"
    ):
        kport.load(tmp_path / "bundle")
