"""Random nested architectures: what is saved, loaded and saved again is the same to the byte."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import kport
from kport.model._walk import walk

pytestmark = [
    pytest.mark.backend,
    # Keras says so of parts that were never called, before kport sees them.
    pytest.mark.filterwarnings("ignore:`build\\(\\)` was called on layer:UserWarning"),
    pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask:UserWarning"),
]

WIDTH = 3
BATCH = 4
EXAMPLES = 25 if settings.default.derandomize else 300
Tree = Any
layers = keras.layers


class Box:
    """No Keras class, which Keras does not look into."""

    def __init__(self, *held: Any) -> None:
        self.first, self.others = held[0], list(held[1:])


HOLDERS: dict[str, Any] = {
    "list": list,
    "tuple": tuple,
    "nested": lambda parts: [parts[:1], {"rest": tuple(parts[1:])}],
    "dict": lambda parts: {str(i): one for i, one in enumerate(parts)},
    "set": set,
    "frozenset": frozenset,
    "object": lambda parts: Box(*parts),
    "closure": lambda parts: [partial(lambda one, x: one(x), one) for one in parts],
}


@kport.register("property")
class Group(layers.Layer):
    """Parts in a container of some sort, one after the other; what it is given, it calls."""

    def __init__(self, holder: str, parts: list[Any]) -> None:
        super().__init__()
        self.order = [one.name for one in parts] if "set" in holder else []
        self.held = HOLDERS[holder](list(parts))
        self.holder = holder

    def parts(self) -> list[Any]:
        if self.holder == "object":
            return [self.held.first, *self.held.others]
        if self.holder == "nested":
            return [*self.held[0], *self.held[1]["rest"]]
        if self.holder == "dict":
            return list(self.held.values())
        return (
            sorted(self.held, key=lambda one: self.order.index(one.name))
            if self.order
            else list(self.held)
        )

    def call(self, x: Any) -> Any:
        for part in self.parts():
            x = part(x)
        return x


@kport.register("property")
class Sub(keras.Model):
    """A subclassed model that also has a variable, and a part that it never calls."""

    def __init__(self, inner: Any, spare: Any) -> None:
        super().__init__()
        self.inner, self.spare = inner, spare
        self.scale = self.add_weight(shape=(WIDTH,), initializer="ones")

    def call(self, x: Any) -> Any:
        return self.inner(x) * self.scale


@kport.register("property")
class Code(keras.Model):
    """Makes everything itself, as a tree says; calls some of it in training alone."""

    def __init__(self, tree: Tree) -> None:
        super().__init__()
        self.tree = tree
        grower = Grower()
        self.main, self.training_only = grower.grow(tree), grower.grow(tree)

    def call(self, x: Any, training: bool = False) -> Any:
        return self.main(x) + self.training_only(x) if training else self.main(x)


@kport.register("property")
class Lazy(layers.Layer):
    """Makes its parts in build()."""

    def __init__(self, tree: Tree) -> None:
        super().__init__()
        self.tree = tree

    def build(self, shape: Any) -> None:
        self.inner = Grower().grow(self.tree)
        if not self.inner.built:
            self.inner.build(shape)
        self.bias = self.add_weight(shape=(shape[-1],), initializer="zeros")

    def call(self, x: Any) -> Any:
        return self.inner(x) + self.bias


@kport.register("property")
class Inputs(keras.Model):
    """Takes several tensors: by place, by keyword, in a dict, and one that may be left out."""

    def __init__(self, first: Any, second: Any, third: Any) -> None:
        super().__init__()
        self.first, self.second, self.third = first, second, third

    def call(self, x: Any, *, more: Any = None, gate: Any = None) -> Any:
        y = self.first(x)
        if more is not None:
            y = y + self.second(more["a"]) * more["b"][0]
        return y if gate is None else y * self.third(gate)


@kport.register("property")
class Calls(keras.Model):
    """Calls a model with keywords."""

    def __init__(self, inner: Any, more: bool, gate: bool) -> None:
        super().__init__()
        self.inner, self.more, self.gate = inner, more, gate

    def call(self, x: Any) -> Any:
        given: dict[str, Any] = {"more": {"a": x, "b": [x]}} if self.more else {}
        return self.inner(x, **given, **({"gate": x} if self.gate else {}))


@kport.register("property")
class Tied(keras.Model):
    """Two layers that compute with one kernel, and a layer under two names."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = self.again = inner
        self.one, self.two = layers.Dense(WIDTH), layers.Dense(WIDTH, use_bias=False)

    def build(self, shape: Any) -> None:
        self.one.build(shape)
        self.kernel = self.one.kernel
        self.two.build(shape)

    def call(self, x: Any) -> Any:
        x = self.two(self.one(self.inner(x)))
        return self.again(keras.ops.matmul(x, keras.ops.transpose(self.kernel)))


@kport.register("property")
class Noise(layers.Layer):
    """Draws numbers in training, from a generator of its own."""

    def __init__(self, deviation: float) -> None:
        super().__init__()
        self.deviation = deviation
        self.seed_generator = keras.random.SeedGenerator(7)

    def call(self, x: Any, training: bool = False) -> Any:
        noise = keras.random.normal((WIDTH,), seed=self.seed_generator)
        return x + self.deviation * noise if training else x


LEAF_MAKERS: dict[str, Any] = {
    "dense": lambda: layers.Dense(WIDTH, activation="tanh"),
    "norm": layers.BatchNormalization,
    "drop": lambda: layers.Dropout(0.5),
    "frozen": lambda: layers.Dense(WIDTH, trainable=False),
    "half": lambda: layers.Dense(WIDTH, dtype="mixed_bfloat16"),
    "double": lambda: layers.Dense(WIDTH, dtype="float16"),
    "activation": layers.LeakyReLU,
    "noise": lambda: Noise(0.5),
    "rnn": lambda: keras.Sequential(
        [keras.Input((WIDTH,)), layers.Reshape((1, WIDTH)), layers.GRU(WIDTH, dropout=0.5)]
    ),
    "stateful": lambda: keras.Sequential(
        [
            keras.Input((WIDTH,), batch_size=BATCH),
            layers.Reshape((1, WIDTH)),
            layers.LSTM(WIDTH, stateful=True),
        ]
    ),
    "attention": lambda: keras.Sequential(
        [keras.Input((WIDTH,)), layers.Reshape((WIDTH, 1)), SelfAttention(), layers.Flatten()]
    ),
}


@kport.register("property")
class SelfAttention(layers.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.attention = layers.MultiHeadAttention(2, 2, dropout=0.1)

    def build(self, shape: Any) -> None:
        self.attention.build(shape, shape)

    def call(self, x: Any) -> Any:
        return self.attention(x, x)


LEAVES = st.sampled_from([*sorted(LEAF_MAKERS), "shared", "shared_model"])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.just("sequential"), st.lists(inner, min_size=1, max_size=3)),
        st.tuples(st.just("functional"), st.lists(inner, min_size=1, max_size=2)),
        *(
            st.tuples(st.just(f"group {holder}"), st.lists(inner, min_size=2, max_size=3))
            for holder in HOLDERS
        ),
        st.tuples(st.just("sub"), st.lists(inner, min_size=2, max_size=2)),
        st.tuples(st.just("tied"), st.lists(inner, min_size=1, max_size=1)),
        st.tuples(st.just("code"), st.lists(inner, min_size=1, max_size=1)),
        st.tuples(st.just("lazy"), st.lists(inner, min_size=1, max_size=1)),
        st.tuples(
            st.sampled_from(["inputs", "inputs more", "inputs gate", "inputs more gate"]),
            st.lists(inner, min_size=3, max_size=3),
        ),
    ),
    max_leaves=6,
)


class Grower:
    def __init__(self) -> None:
        self.shared = layers.Dense(WIDTH)
        self.shared_model = keras.Sequential([keras.Input((WIDTH,)), layers.Dense(WIDTH)])

    def grow(self, tree: Tree) -> Any:
        if isinstance(tree, str):
            shared = {"shared": self.shared, "shared_model": self.shared_model}
            return shared[tree] if tree in shared else LEAF_MAKERS[tree]()
        (kind, *words), parts = tree[0].split(), tree[1]
        if kind in ("code", "lazy"):
            return {"code": Code, "lazy": Lazy}[kind](parts[0])
        grown = [self.grow(part) for part in parts]
        if kind == "sequential":
            return keras.Sequential([keras.Input((WIDTH,)), *grown])
        if kind == "functional":
            entry = keras.Input((WIDTH,))
            return keras.Model(entry, layers.Add()([entry, *(one(entry) for one in grown)]))
        if kind == "group":
            return Group(words[0], grown)
        if kind == "inputs":
            return Calls(Inputs(*grown), "more" in words, "gate" in words)
        return {"sub": Sub, "tied": Tied}[kind](*grown)


def content(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    return {one.name: one.read_bytes() for one in files if one.is_file()}


def outputs(model: keras.Model, inputs: Any, training: bool) -> Any:
    keras.utils.set_random_seed(1)  # PyTorch draws masks from a generator of the process
    return keras.ops.convert_to_numpy(model(inputs, training=training))


# A few examples, the same in every run; HYPOTHESIS_PROFILE=search looks for new ones.
@settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(
    tree=TREES,
    target=st.sampled_from(["model.keras", "bundle"]),
    frozen=st.integers(0, 9),
)
# What was found so: the states of layers of a model that has no values at all; names of tensors in
# the graph of a functional model that code makes; the kind of a variable that a frozen layer lends;
# shapes that only a run in training gives; layers in a plain object in a layer in a closure.
@example(tree="activation", target="model.keras", frozen=1)
@example(tree=("code", [("functional", ["activation"])]), target="model.keras", frozen=0)
@example(tree=("tied", ["activation"]), target="model.keras", frozen=2)
@example(tree=("code", [("code", ["activation"])]), target="model.keras", frozen=0)
@example(tree=("group closure", [("group object", ["dense", "norm"])]), target="bundle", frozen=3)
def test_saved_loaded_and_saved_again(tree: Tree, target: str, frozen: int, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path, ignore_errors=True)
    keras.utils.clear_session()
    entry = keras.Input((WIDTH,), batch_size=BATCH)
    model = keras.Model(entry, Grower().grow(tree)(entry))
    every = [layer for _, layer in walk(model).layers()]
    every[frozen % len(every)].trainable = frozen == 0
    inputs = np.linspace(-1, 1, BATCH * WIDTH, dtype="float32").reshape(BATCH, WIDTH)
    outputs(model, inputs, training=True)
    kport.save(model, tmp_path / "one" / target)
    loaded = kport.load(tmp_path / "one" / target)
    kport.save(loaded, tmp_path / "two" / target)
    assert content(tmp_path / "one" / target) == content(tmp_path / "two" / target)
    for training in (False, True):
        expected = outputs(model, inputs, training)
        np.testing.assert_array_equal(outputs(loaded, inputs, training), expected)
    assert len(loaded.trainable_weights) == len(model.trainable_weights)
