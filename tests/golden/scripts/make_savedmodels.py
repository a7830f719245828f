"""Write the golden SavedModels, one a case, with an old TensorFlow.

python make_savedmodels.py FOLDER, with tensorflow-cpu 2.3.4 (Python 3.8) or 2.15.1 (Python 3.11).
Each NAME comes with NAME.npz: inputs and the outputs that TensorFlow gave for them. All weights are
random, so that none hides behind zeros and ones. TensorFlow 2.15 writes no traces, to stay small.
"""

import os
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.keras import Input, Model, Sequential, layers

FOLDER = Path(sys.argv[1])
VERSION = tf.__version__.rpartition(".")[0]
RANDOM = np.random.RandomState(7)
OLD = VERSION == "2.3"
experimental = layers.experimental.preprocessing


def nested():
    """Models in models: one shared by two calls, one frozen; layers made in another order."""
    last, first = layers.Dense(4), layers.Dense(4, activation="tanh")
    shared = Sequential([Input((4,)), layers.Dense(4, activation="tanh")], name="shared")
    inner = Input((4,))
    frozen = Model(inner, layers.BatchNormalization()(layers.Dense(4)(inner)), name="frozen")
    frozen.trainable = False
    a, b = Input((4,), name="a"), Input((4,), name="b")
    merged = layers.Subtract()([shared(first(a)), shared(b)])
    out = last(frozen(layers.Dense(4, name="scope/middle")(merged)))
    return Model([a, b], [out, layers.LSTM(3)(layers.Reshape((2, 2))(out))]), [(5, 4), (5, 4)]


class Order(layers.Layer):
    """Makes its weights in another order than that of their names."""

    def build(self, shape):
        size = shape[-1]
        self.running = self.add_weight(name="running", shape=(size,), trainable=False)
        self.b = self.add_weight(name="b", shape=(size,))
        self.a = self.add_weight(name="a", shape=(size,))

    def call(self, x):
        return (x - self.running) * self.a + self.b

    def get_config(self):
        return super().get_config()


def order():
    return Sequential([Input((3,)), Order(name="order"), layers.Dense(3)]), [(4, 3)]


class Blocks(Model):
    """Holds its layers in a list and in a dict, one of them twice."""

    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.blocks = [layers.Dense(units, activation="tanh") for _ in range(2)]
        self.heads = {"mean": layers.Dense(2), "again": self.blocks[0]}
        self.norm = layers.BatchNormalization()
        self.norm.trainable = False

    def call(self, x):
        for block in self.blocks:
            x = block(x)
        return self.heads["mean"](self.norm(self.heads["again"](x)))

    def get_config(self):
        return {"units": self.units}


def blocks():
    return Blocks(), [(4, 3)]


def unknown_size():
    """The size of the input is known from the data that the layer adapted to, alone."""
    norm = (experimental if OLD else layers).Normalization()
    norm.adapt(RANDOM.rand(50, 3).astype("f4") * 9)
    if OLD:
        return Sequential([Input((3,)), norm, layers.Dense(2)]), [(4, 3)]
    return Sequential([Input((None,)), norm, layers.Dense(2)]), [(4, 3)]


def bins():
    layer = layers.Discretization(num_bins=4)
    layer.adapt(RANDOM.randn(200, 1).astype("f4"))
    return Sequential([Input((1,)), layer, layers.Embedding(4, 2)]), [(9, 1)]


def tables():
    """Vocabularies: given, adapted, out of a file; behind a text layer; inverted."""
    numbers, words = Input((1,), dtype="int64"), Input((1,), dtype="string")
    given = layers.IntegerLookup(vocabulary=[40, 30, 20], num_oov_indices=2, output_mode="count")
    adapted = layers.IntegerLookup(mask_token=0, name="adapted")
    adapted.adapt(np.array([[7], [5], [7], [0]]))
    file = Path("words.txt")
    file.write_text("east\nwest\n")
    from_file = layers.StringLookup(vocabulary=str(file), name="from_file")
    texts = layers.TextVectorization(name="texts", max_tokens=9)
    texts.adapt(["b a", "c a", "a"])
    inverted = layers.StringLookup(vocabulary=["x", "y"], invert=True, name="inverted")
    outputs = [given(numbers), adapted(numbers), from_file(words), texts(words), inverted(numbers)]
    return Model([numbers, words], outputs), None


def old_tables():
    """Tables that can change, whose content is in the checkpoint."""
    numbers, words = Input((1,), dtype="int64"), Input((1,), dtype="string")
    adapted = experimental.IntegerLookup(name="adapted")
    adapted.adapt(np.array([[7], [5], [7]]))
    given = experimental.StringLookup(vocabulary=["x", "y"], num_oov_indices=2, name="given")
    texts = experimental.TextVectorization(name="texts")
    texts.adapt(np.array([["b a"], ["a"]]))
    return Model([numbers, words], [adapted(numbers), given(words), texts(words)]), None


class Bare(layers.Layer):
    """Has no get_config."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.Dense(units)

    def call(self, x):
        return self.inner(x)


def no_config():
    return Sequential([Input((3,)), Bare(2, name="bare")]), [(4, 3)]


def write(case):
    tf.keras.backend.clear_session()
    model, shapes = case()
    path = str(FOLDER / f"{case.__name__}_{VERSION}")
    inputs = [RANDOM.randn(*shape).astype("f4") for shape in shapes or ()]
    if inputs:
        model(inputs[0] if len(inputs) == 1 else inputs)
        for weight in model.trainable_weights:
            weight.assign(RANDOM.rand(*weight.shape) + 0.1)
        outputs = model(inputs[0] if len(inputs) == 1 else inputs, training=False)
        named = {f"in{n}": one for n, one in enumerate(inputs)}
        named.update({f"out{n}": one.numpy() for n, one in enumerate(tf.nest.flatten(outputs))})
        np.savez(f"{path}.npz", **named)
    if OLD:
        model.save(path, save_format="tf", include_optimizer=False)
    else:
        model.save(path, save_format="tf", include_optimizer=False, save_traces=False)
        os.unlink(f"{path}/fingerprint.pb")


CASES = [order, blocks, unknown_size, no_config]
if OLD:
    CASES += [old_tables]
else:  # the traces of the old one would be a megabyte
    CASES += [nested, bins, tables]
for case in CASES:
    write(case)
