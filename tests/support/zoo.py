"""Models that tests save and load; each is what a user would build, in no order of importance.

`build(kind)` gives a model whose weights are no initializer's values, so that nothing hides behind
zeros and ones, and a batch of its inputs. Import with KERAS_BACKEND set.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

import kport

__all__ = ["KINDS", "build", "outputs", "train"]


@kport.register("zoo")
class Block(keras.layers.Layer):
    """A layer that makes its sublayers itself and has no build()."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.project = keras.layers.Dense(units, activation="relu")
        self.norm = keras.layers.BatchNormalization()
        self.drop = keras.layers.Dropout(0.25, seed=3)

    def call(self, x: Any, training: bool = False) -> Any:
        return self.drop(self.norm(self.project(x), training=training), training=training)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@kport.register("zoo", version=3)
class Nested(keras.Model):
    """Subclassed, nested three deep, no build(): layers in lists, dicts and plain attributes."""

    HEADS = ("wide", "narrow")

    def __init__(self, units: int = 6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.encoder = keras.Sequential([keras.layers.Dense(units), Block(units)])
        self.blocks = [Block(units), Block(units)]
        self.heads = {name: keras.layers.Dense(3) for name in self.HEADS}
        self.scale = self.add_weight(shape=(3,), initializer="ones")
        self.steps = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x: Any, training: bool = False) -> Any:
        x = self.encoder(x, training=training)
        for block in self.blocks:
            x = block(x, training=training)
        first, second = (self.heads[name](x) for name in self.HEADS)
        return (first + second) * self.scale

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


def sequential() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Dense(7, activation="relu", name="first"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5, seed=1),
            keras.layers.Dense(3, kernel_regularizer="l2"),
        ]
    )


def functional() -> keras.Model:
    """Two branches share one sub-model; a third layer is frozen."""
    shared_input = keras.Input((5,))
    hidden = keras.layers.Dense(4, activation="tanh")(shared_input)
    shared = keras.Model(shared_input, keras.layers.LayerNormalization()(hidden), name="shared")
    left, right = keras.Input((5,), name="left"), keras.Input((5,), name="right")
    joined = keras.layers.Concatenate()([shared(left), shared(right)])
    frozen = keras.layers.Dense(6, trainable=False)(joined)
    return keras.Model({"left": left, "right": right}, keras.layers.Dense(3)(frozen * 2.0))


def nested() -> keras.Model:
    model = Nested()
    model(np.zeros((1, 5), "float32"))
    return model


def convolutional() -> keras.Model:
    inputs = keras.Input((8, 8, 2))
    x = keras.layers.SeparableConv2D(4, 3, padding="same")(inputs)
    x = keras.layers.GroupNormalization(2)(x)
    x = keras.layers.Conv2DTranspose(3, 2, strides=2)(x)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))


def recurrent() -> keras.Model:
    inputs = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(11, 6, mask_zero=True)(inputs)
    x = keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True))(x)
    x = keras.layers.MultiHeadAttention(2, 3)(x, x)
    return keras.Model(inputs, keras.layers.GRU(3)(x))


def mixed() -> keras.Model:
    """Layers of several dtype policies."""
    inputs = keras.Input((5,))
    x = keras.layers.Dense(4, dtype="bfloat16")(inputs)
    x = keras.layers.Dense(4, dtype="mixed_float16")(x)
    return keras.Model(inputs, keras.layers.Dense(3, dtype="float32")(x))


def preprocessing() -> keras.Model:
    """State that only a layer's own loading method makes whole, and a vocabulary."""
    numbers = keras.Input((3,), name="numbers")
    words = keras.Input((2,), dtype="int32", name="words")
    normalization = keras.layers.Normalization()
    normalization.adapt(np.arange(12, dtype="float32").reshape(4, 3) ** 2)
    lookup = keras.layers.IntegerLookup(vocabulary=[10, 20, 30], output_mode="multi_hot")
    joined = keras.layers.Concatenate()([normalization(numbers), lookup(words)])
    return keras.Model({"numbers": numbers, "words": words}, keras.layers.Dense(2)(joined))


KINDS = {
    "sequential": sequential,
    "functional": functional,
    "nested": nested,
    "convolutional": convolutional,
    "recurrent": recurrent,
    "mixed": mixed,
    "preprocessing": preprocessing,
}


def build(kind: str) -> tuple[keras.Model, Any]:
    """Return a model with weights of its own and a batch of inputs."""
    keras.utils.set_random_seed(7)
    model = KINDS[kind]()
    generator = np.random.default_rng(5)
    # Normalization computes constants from its weights, so those must stay what adapt() made.
    for weight in model.trainable_weights if kind == "preprocessing" else model.weights:
        if weight.dtype.startswith(("float", "bfloat")):
            noise = generator.normal(0.1, 0.4, tuple(weight.shape))
            positive = "variance" in weight.path
            weight.assign((np.abs(noise) if positive else noise).astype("float32"))
    return model, _inputs(model, kind, generator)


def _inputs(model: keras.Model, kind: str, generator: np.random.Generator) -> Any:
    if kind == "recurrent":
        return generator.integers(0, 11, (4, 7)).astype("int32")
    if kind == "preprocessing":
        words = generator.choice([10, 20, 30, 99], (4, 2)).astype("int32")
        return {"numbers": generator.normal(size=(4, 3)).astype("float32"), "words": words}
    if kind == "functional":
        draw = [generator.normal(size=(4, 5)).astype("float32") for _ in range(2)]
        return {"left": draw[0], "right": draw[1]}
    shape = (4, 8, 8, 2) if kind == "convolutional" else (4, 5)
    return generator.normal(size=shape).astype("float32")


def outputs(model: keras.Model, inputs: Any) -> np.ndarray[Any, Any]:
    """Return what a model gives in inference mode."""
    tensors = keras.tree.map_structure(keras.ops.convert_to_tensor, inputs)
    return np.asarray(keras.ops.convert_to_numpy(model(tensors, training=False)), "float32")


def train(model: keras.Model, inputs: Any, steps: int = 3) -> None:
    """Compile with Adam where that is not done yet, and train some steps."""
    if not model.compiled:
        model.compile(keras.optimizers.Adam(0.01), loss="mse", metrics=["mae"])
    target = np.ones_like(outputs(model, inputs))
    for _ in range(steps):
        model.train_on_batch(inputs, target)
