"""Random nested architectures: what is saved, loaded and saved again is the same to the byte."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kport

pytestmark = [
    pytest.mark.backend,
    # Keras says so of parts that were never called, before kport sees them.
    pytest.mark.filterwarnings("ignore:`build\\(\\)` was called on layer:UserWarning"),
]

WIDTH = 3
Tree = Any


@kport.register("property")
class Group(keras.layers.Layer):
    """Parts in a list and in a dict, one after the other."""

    def __init__(self, row: list[Any], table: dict[str, Any]) -> None:
        super().__init__()
        self.row, self.table = row, table

    def call(self, x: Any) -> Any:
        for part in [*self.row, *self.table.values()]:
            x = part(x)
        return x


@kport.register("property")
class Sub(keras.Model):
    """A subclassed model that also has a variable."""

    def __init__(self, inner: Any, spare: Any) -> None:
        super().__init__()
        self.inner, self.spare = inner, spare
        self.scale = self.add_weight(shape=(WIDTH,), initializer="ones")

    def call(self, x: Any) -> Any:
        return self.inner(x) * self.scale


LEAVES = st.sampled_from(["dense", "norm", "drop", "frozen", "half", "activation", "shared"])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.just("sequential"), st.lists(inner, min_size=1, max_size=3)),
        st.tuples(st.just("functional"), st.lists(inner, min_size=1, max_size=2)),
        st.tuples(st.just("group"), st.lists(inner, min_size=2, max_size=3)),
        st.tuples(st.just("sub"), st.tuples(inner, inner)),
    ),
    max_leaves=6,
)


class Grower:
    def __init__(self) -> None:
        self.shared = keras.layers.Dense(WIDTH)

    def grow(self, tree: Tree) -> Any:
        if isinstance(tree, str):
            return self.leaf(tree)
        kind, parts = tree
        grown = [self.grow(part) for part in parts]
        if kind == "sequential":
            return keras.Sequential([keras.Input((WIDTH,)), *grown])
        if kind == "functional":
            entry = keras.Input((WIDTH,))
            return keras.Model(entry, keras.layers.Add()([entry, *(one(entry) for one in grown)]))
        if kind == "group":
            return Group(grown[:1], {str(i): one for i, one in enumerate(grown[1:])})
        return Sub(*grown)

    def leaf(self, name: str) -> Any:
        return {
            "dense": lambda: keras.layers.Dense(WIDTH, activation="tanh"),
            "norm": keras.layers.BatchNormalization,
            "drop": lambda: keras.layers.Dropout(0.5),
            "frozen": lambda: keras.layers.Dense(WIDTH, trainable=False),
            "half": lambda: keras.layers.Dense(WIDTH, dtype="mixed_bfloat16"),
            "activation": keras.layers.LeakyReLU,
            "shared": lambda: self.shared,
        }[name]()


def content(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    return {one.name: one.read_bytes() for one in files}


# The same examples in every run; a longer search is a matter of two settings.
@settings(deadline=None, max_examples=25, derandomize=True, suppress_health_check=list(HealthCheck))
@given(tree=TREES, target=st.sampled_from(["model.keras", "bundle"]))
def test_saved_loaded_and_saved_again(tree: Tree, target: str, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path)
    keras.utils.clear_session()
    entry = keras.Input((WIDTH,))
    model = keras.Model(entry, Grower().grow(tree)(entry))
    inputs = np.linspace(-1, 1, 4 * WIDTH, dtype="float32").reshape(4, WIDTH)
    model(inputs, training=True)
    kport.save(model, tmp_path / "one" / target)
    loaded = kport.load(tmp_path / "one" / target)
    kport.save(loaded, tmp_path / "two" / target)
    assert content(tmp_path / "one" / target) == content(tmp_path / "two" / target)
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(loaded(inputs)), keras.ops.convert_to_numpy(model(inputs))
    )
    assert len(loaded.trainable_weights) == len(model.trainable_weights)
