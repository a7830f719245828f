"""Layers and models of all sorts that take and give `WIDTH` numbers a row, for tests to combine.

Import with KERAS_BACKEND set.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import keras

import kport

__all__ = [
    "BATCH",
    "GRAPHS",
    "HOLDERS",
    "LEAVES",
    "WIDTH",
    "Calls",
    "Group",
    "Inputs",
    "Row",
    "Sub",
    "Tied",
]

WIDTH = 3
BATCH = 4
layers, ops = keras.layers, keras.ops  # ops, as TensorFlow alone adds no tensors of two dtypes


@kport.register("trees")
class Row(keras.Model):
    """Parts, one after the other."""

    def __init__(self, *parts: Any) -> None:
        super().__init__()
        self.parts = list(parts)

    def call(self, x: Any) -> Any:
        for part in self.parts:
            x = part(x)
        return x


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


@kport.register("trees")
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


@kport.register("trees")
class Sub(keras.Model):
    """A subclassed model that also has a variable, and a part that it never calls."""

    def __init__(self, inner: Any, spare: Any) -> None:
        super().__init__()
        self.inner, self.spare = inner, spare
        self.scale = self.add_weight(shape=(WIDTH,), initializer="ones")

    def call(self, x: Any) -> Any:
        return ops.multiply(self.inner(x), self.scale)


@kport.register("trees")
class Inputs(keras.Model):
    """Takes several tensors: by place, by keyword, in a dict, and one that may be left out."""

    def __init__(self, first: Any, second: Any, third: Any) -> None:
        super().__init__()
        self.first, self.second, self.third = first, second, third

    def call(self, x: Any, *, more: Any = None, gate: Any = None) -> Any:
        y = self.first(x)
        if more is not None:
            y = ops.add(y, ops.multiply(self.second(more["a"]), more["b"][0]))
        return y if gate is None else ops.multiply(y, self.third(gate))


@kport.register("trees")
class Calls(keras.Model):
    """Calls a model with keywords."""

    def __init__(self, inner: Any, more: bool, gate: bool) -> None:
        super().__init__()
        self.inner, self.more, self.gate = inner, more, gate

    def call(self, x: Any) -> Any:
        given: dict[str, Any] = {"more": {"a": x, "b": [x]}} if self.more else {}
        return self.inner(x, **given, **({"gate": x} if self.gate else {}))


@kport.register("trees")
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
        return self.again(ops.matmul(x, ops.transpose(self.kernel)))


@kport.register("trees")
class Noise(layers.Layer):
    """Draws numbers in training, from a generator of its own."""

    def __init__(self, deviation: float) -> None:
        super().__init__()
        self.deviation = deviation
        self.seed_generator = keras.random.SeedGenerator(7)

    def call(self, x: Any, training: bool = False) -> Any:
        # Of one dtype in training and out of it: Keras infers one, at the first call.
        noise = keras.random.normal((WIDTH,), dtype=x.dtype, seed=self.seed_generator)
        return x + self.deviation * noise if training else x


@kport.register("trees")
class Counter(layers.Layer):
    """Has a state of integers and one of floats, which change in training."""

    def build(self, shape: Any) -> None:
        self.seen = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False)
        self.mean = self.add_weight(shape=shape[1:], initializer="zeros", trainable=False)

    def call(self, x: Any, training: bool = False) -> Any:
        if training:
            self.seen.assign_add(1)
            step = ops.subtract(ops.mean(x, axis=0), self.mean) * 0.5
            self.mean.assign_add(ops.cast(step, self.mean.dtype))
        return ops.subtract(x, self.mean)


@kport.register("trees")
class SelfAttention(layers.Layer):
    """A layer of Keras that is built by two shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = layers.MultiHeadAttention(2, 2, dropout=0.1)

    def build(self, shape: Any) -> None:
        self.attention.build(shape, shape)

    def call(self, x: Any) -> Any:
        return self.attention(x, x)


def row(*parts: Any, batch: int | None = None) -> keras.Model:
    return keras.Sequential([keras.Input((WIDTH,), batch_size=batch), *parts])


def steps(layer: Any) -> keras.Model:
    """Call a layer of sequences on as many steps of one number."""
    return row(layers.Reshape((WIDTH, 1)), layer)


def changed(change: str, argument: Any) -> keras.Layer:
    """A layer that was changed after it was built."""
    layer = layers.Dense(WIDTH, dtype="float32")
    layer.build((None, WIDTH))
    getattr(layer, change)(argument)
    return layer


def of_ops() -> keras.Model:
    entry = keras.Input((WIDTH,))
    return keras.Model(entry, ops.flip(ops.tanh(entry), 1)[:, :WIDTH] * 2 + 1)


LEAVES: dict[str, Any] = {
    "dense": lambda: layers.Dense(WIDTH, activation="tanh"),
    "norm": layers.BatchNormalization,
    "drop": lambda: layers.Dropout(0.5),
    "frozen": lambda: layers.Dense(WIDTH, trainable=False),
    "bfloat16": lambda: layers.Dense(WIDTH, dtype="mixed_bfloat16"),
    "float16": lambda: layers.Dense(WIDTH, dtype="float16"),
    "activation": layers.LeakyReLU,
    "noise": lambda: Noise(0.5),
    "counter": Counter,
    "rnn": lambda: row(layers.Reshape((1, WIDTH)), layers.GRU(WIDTH, dropout=0.5)),
    "stateful": lambda: row(
        layers.Reshape((1, WIDTH)), layers.LSTM(WIDTH, stateful=True), batch=BATCH
    ),
    "attention": lambda: row(steps(SelfAttention()), layers.Flatten()),
    "bidirectional": lambda: steps(layers.Bidirectional(layers.GRU(WIDTH), merge_mode="sum")),
    "distributed": lambda: row(steps(layers.TimeDistributed(layers.Dense(1))), layers.Flatten()),
    # Its norms overflow in float16.
    "spectral": lambda: layers.SpectralNormalization(layers.Dense(WIDTH), dtype="mixed_bfloat16"),
    "seeded": lambda: layers.GaussianDropout(0.5, seed=3),
    "lora": lambda: changed("enable_lora", 1),
    "quantized": lambda: changed("quantize", "int8"),
    "ops": of_ops,
}


def named(entry: Any, one: Any, other: Any) -> Any:
    """Call a model that takes and gives dicts."""
    a, b = (keras.Input(batch_shape=entry.shape, name=name) for name in "ab")
    inner = keras.Model({"a": a, "b": b}, {"sum": one(a) + other(b), "first": a})
    given = inner({"b": entry, "a": entry})
    return given["sum"] * given["first"]


GRAPHS: dict[str, Any] = {
    "functional": lambda x, *parts: layers.Add()([x, *(one(x) for one in parts)]),
    "named": named,
    "twice": lambda x, one: one(one(x) + x),
}
