"""Models whose calls Keras cannot trace: it says that they are built, and knows no shapes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kport

pytestmark = pytest.mark.backend

layers = keras.layers
X = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)


class Untraced:
    """Looks at what it is called with, so that it cannot be called with symbols."""

    def __init__(self, *parts: Any) -> None:
        super().__init__()
        self.parts = list(parts)

    def call(self, x: Any) -> Any:
        for part in self.parts if keras.ops.convert_to_numpy(x).any() else ():
            x = part(x)
        return x


@kport.register("untraced")
class UntracedModel(Untraced, keras.Model):
    pass


@kport.register("untraced")
class UntracedLayer(Untraced, layers.Layer):
    pass


def content(path: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in path.iterdir()}


@pytest.mark.parametrize(
    "model",
    [
        lambda: UntracedModel(layers.Dense(3)),
        lambda: UntracedModel(UntracedModel(layers.Dense(3)), UntracedLayer(layers.Dense(3))),
    ],
    ids=["alone", "inside"],
)
def test_a_loaded_model_is_as_built_as_it_was(model: Any, tmp_path: Path) -> None:
    one = model()
    one(X)
    kport.save(one, tmp_path / "one")
    two = kport.load(tmp_path / "one")
    kport.save(two, tmp_path / "two")
    assert content(tmp_path / "two") == content(tmp_path / "one")
    for each, name in ((one, "three"), (two, "four")):
        each(X)
        kport.save(each, tmp_path / name)
    assert content(tmp_path / "four") == content(tmp_path / "three")


def test_a_part_is_loaded_alone(tmp_path: Path) -> None:
    model = UntracedModel(UntracedModel(layers.Dense(3)))
    model(X)
    kport.save(model, tmp_path / "bundle")
    part = kport.load(tmp_path / "bundle", part="parts.0")
    assert part.built
    np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (part(X), model.parts[0](X))))
