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


@kport.register("untraced")
class Wider(layers.Layer):
    """Gives single precision in training."""

    def call(self, x: Any, training: bool = False) -> Any:
        return keras.ops.cast(x, "float32") if training else x


@kport.register("untraced")
class MakesGraph(layers.Layer):
    """Makes a functional model, in a functional model, in build()."""

    def build(self, shape: Any) -> None:
        inner = keras.Input(shape[1:])
        graph = keras.Model(inner, layers.BatchNormalization()(inner))
        entry = keras.Input(shape[1:])
        y = Wider(dtype="bfloat16")(graph(entry))
        self.graph = keras.Model(entry, layers.Dropout(0.5, seed=1)(y))

    def call(self, x: Any) -> Any:
        return self.graph(x)


@kport.register("untraced")
class Doubles(layers.Layer):
    """Doubles in training; it takes no mask."""

    def call(self, x: Any, training: bool | None = None) -> Any:
        return 2 * x if training else x


@kport.register("untraced")
class CallsLater(keras.Model):
    """Calls its part from some call on, and so never when Keras traces it to build it."""

    def __init__(self, part: Any) -> None:
        super().__init__()
        self.part, self.later = part, False

    def call(self, x: Any) -> Any:
        return self.part(x) if self.later else x


# Keras says so of the part that its own trace does not call.
@pytest.mark.filterwarnings("ignore:`build\\(\\)` was called on layer:UserWarning")
@pytest.mark.parametrize("training", [True, False, None])
@pytest.mark.parametrize(
    "part",
    [
        MakesGraph,
        lambda: keras.Sequential([layers.BatchNormalization(), layers.Dropout(0.5, seed=1)]),
        lambda: keras.Sequential([layers.Dense(3), keras.Sequential([layers.Dropout(0.5)])]),
        lambda: keras.Sequential([Doubles()]),
    ],
    ids=["functional", "sequential", "nested", "no_mask"],
)
def test_graphs_that_a_call_makes_are_called_in_its_mode(
    part: Any, training: bool | None, tmp_path: Path
) -> None:
    """Keras notes the mode of the first call in them, for all calls that are not told another."""
    model = CallsLater(part())
    model(X)
    model.later = True
    model(X, training=training)
    kport.save(model, tmp_path / "one")
    loaded = kport.load(tmp_path / "one")
    kport.save(loaded, tmp_path / "two")
    assert content(tmp_path / "one") == content(tmp_path / "two")
    outputs = []
    for one in (model, loaded):
        keras.utils.set_random_seed(1)  # PyTorch draws masks from a generator of the process
        outputs.append(keras.ops.convert_to_numpy(one(X)))
    np.testing.assert_array_equal(*outputs)
