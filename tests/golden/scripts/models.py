"""The golden models in the words of Keras 2; one function a class of trouble.

Runs under Keras 2.2.4, 2.3.1 and tf.keras 1.15 to 2.15, so in the Python of 3.6 to 3.11. A function
takes the names of that version (`Names` in make.py) and returns a model, or None where the version
has not got what it is about. A case that is trained says so in TRAINED.
"""

import numpy as np

K = None  # keras.backend; make.py sets it, as lambdas can only be saved when it is a global


def nested(k):
    """A model inside, called twice; a Sequential inside; a layer called twice."""
    one = k.Input((4,), name="one")
    inner = k.Model(one, k.Dense(5, activation="tanh")(one), name="shared")
    stack = k.Sequential([k.Dense(4, input_shape=(5,)), k.Dense(3)], name="stack")
    left, right = k.Input((4,), name="left"), k.Input((4,), name="right")
    twice = k.Dense(3, name="twice")
    both = k.add([stack(inner(left)), stack(inner(right))])
    ends = [k.Dense(2, name="end")(twice(twice(both))), inner(right)]
    return k.Model([left, right], ends, name="outer")


def sequential(k):
    """A Sequential that was told no input shape."""
    return k.Sequential([k.Dense(6, activation="relu"), k.Dropout(0.5), k.Dense(3)])


def convolution(k):
    """Convolutions of every kind and BatchNormalization, half of it frozen."""
    x = inputs = k.Input((12, 12, 3))
    x = k.Conv2D(4, 3, padding="same", name="first")(x)
    x = k.BatchNormalization(name="norm")(x)
    x = k.Activation("relu")(x)
    x = k.DepthwiseConv2D(3, depth_multiplier=2, strides=2, name="depthwise")(x)
    x = k.SeparableConv2D(4, 2, name="separable")(k.ZeroPadding2D((1, 2))(x))
    x = k.BatchNormalization(axis=2, scale=False, name="norm_rows")(x)
    x = k.Conv2DTranspose(3, 3, strides=2, padding="same", name="transpose")(x)
    x = k.UpSampling2D((2, 1))(k.Cropping2D(((1, 0), (0, 1)))(x))
    x = k.AveragePooling2D(2, padding="same")(k.MaxPooling2D(3, strides=1)(x))
    x = k.Conv1D(4, 3, dilation_rate=2, name="flat")(k.Reshape((-1, 3))(x))
    model = k.Model(inputs, k.Dense(2)(k.GlobalMaxPooling1D()(x)))
    for name in ("first", "norm", "separable"):
        model.get_layer(name).trainable = False
    return model


def recurrent(k):
    """LSTM, GRU, SimpleRNN, TimeDistributed and Bidirectional."""
    x = inputs = k.Input((5, 3))
    x = k.LSTM(4, return_sequences=True, recurrent_activation="hard_sigmoid")(x)
    x = k.Bidirectional(k.LSTM(3, return_sequences=True), merge_mode="sum")(x)
    x = k.TimeDistributed(k.Dense(4, activation="tanh"))(x)
    x = k.Bidirectional(k.GRU(3, return_sequences=True, reset_after=True))(x)
    x = k.SimpleRNN(5, return_sequences=True, go_backwards=True)(x)
    return k.Model(inputs, k.GRU(4, reset_after=False)(x))


def cells(k):
    """RNN over stacked cells, and ConvLSTM2D."""
    inputs = k.Input((4, 5, 5, 2))
    frames = k.ConvLSTM2D(3, 2, return_sequences=True)(inputs)
    steps = k.TimeDistributed(k.Flatten())(frames)
    stacked = k.RNN([k.LSTMCell(4), k.GRUCell(3), k.SimpleRNNCell(2)])(steps)
    return k.Model(inputs, k.Dense(2)(stacked))


def translator(k):
    """An encoder whose states start a decoder."""
    source, target = k.Input((4, 3)), k.Input((5, 2))
    _, hidden, carry = k.LSTM(4, return_state=True)(source)
    decoded = k.LSTM(4, return_sequences=True)(target, initial_state=[hidden, carry])
    return k.Model([source, target], k.TimeDistributed(k.Dense(2, activation="softmax"))(decoded))


def masked(k):
    """Masks of an Embedding and of Masking reach the layers behind them."""
    words, rest = k.Input((6,), dtype="int32"), k.Input((6, 2))
    x = k.LSTM(4, return_sequences=True)(k.Embedding(9, 3, mask_zero=True)(words))
    y = k.LSTM(4, return_sequences=True)(k.Masking(0.0)(rest))
    return k.Model([words, rest], k.GRU(3, reset_after=False)(k.concatenate([x, y])))


def merged(k):
    """Every way to join two tensors."""
    one, two = k.Input((4,)), k.Input((4,))
    a, b = k.Dense(3)(one), k.Dense(3, use_bias=False)(two)
    joined = [k.add([a, b]), k.multiply([a, b]), k.average([a, b]), k.maximum([a, b])]
    joined += [k.dot([a, b], axes=1), k.dot([a, b], axes=-1, normalize=True), k.subtract([a, b])]
    return k.Model([one, two], k.Dense(2)(k.concatenate(joined)))


def activated(k):
    """Activations with and without weights; regularizers, constraints, noise."""
    x = inputs = k.Input((4, 3))
    x = k.Dense(5, activation="hard_sigmoid", kernel_regularizer=k.l2(0.01))(x)
    x = k.PReLU(shared_axes=[1])(k.LeakyReLU(0.2)(k.GaussianNoise(0.1)(x)))
    x = k.Dense(4, activation="selu", kernel_constraint=k.max_norm(2.0), bias_initializer="ones")(x)
    x = k.ELU(0.7)(k.ThresholdedReLU(0.1)(x))
    x = k.Softmax(axis=1)(k.Permute((2, 1))(k.SpatialDropout1D(0.2)(x)))
    return k.Model(inputs, k.Dense(2, activation="softsign")(k.Flatten()(x)))


def attention(k):
    """The attention layers."""
    if not hasattr(k.layers, "Attention"):
        return None
    query, value = k.Input((4, 6)), k.Input((5, 6))
    found = [k.layers.Attention(use_scale=True)([query, value])]
    found += [k.layers.AdditiveAttention()([query, value])]
    if hasattr(k.layers, "MultiHeadAttention"):
        heads = k.layers.MultiHeadAttention(2, 3, name="heads")
        found += [k.layers.LayerNormalization()(heads(query, value))]
    return k.Model([query, value], k.Dense(2)(k.concatenate(found)))


def operations(k):
    """Functions of TensorFlow called on symbolic tensors."""
    if k.tf is None:
        return None
    tf = k.tf
    x = inputs = k.Input((4, 3))
    x = tf.nn.relu(k.Dense(4)(x)) * 2.0 - 0.5
    x = tf.concat([x[:, 1:], x[:, :1]], axis=1) / 3.0
    x = tf.reduce_mean(tf.exp(x), axis=1) + tf.reduce_sum(inputs, axis=[1, 2])[:, tf.newaxis]
    return k.Model(inputs, k.Dense(2)(tf.transpose(tf.transpose(x))))


def preprocessing(k):
    """Preprocessing layers with a state."""
    layers = k.preprocessing
    if layers is None:
        return None
    image, number = k.Input((6, 6, 3)), k.Input((2,))
    normal = layers.Normalization()
    normal.adapt(np.arange(20, dtype="float32").reshape(10, 2))
    seen = layers.CenterCrop(4, 4)(layers.Rescaling(1 / 255.0, offset=-0.5)(image))
    ends = [k.Flatten()(seen), normal(number)]
    inputs = [image, number]
    if hasattr(k.layers, "IntegerLookup"):
        word = k.Input((1,), dtype="int64")
        inputs.append(word)
        index = k.layers.IntegerLookup(vocabulary=[3, 5, 8, 13])(word)
        ends.append(k.layers.CategoryEncoding(num_tokens=6, output_mode="multi_hot")(index))
        ends.append(k.layers.Discretization([2.0, 7.0])(number))
        ends[-1] = k.Flatten()(k.Embedding(3, 2)(ends[-1]))
    return k.Model(inputs, k.Dense(2)(k.concatenate(ends)))


def custom(k):
    """A class of the user's, inside Sequential."""

    class Scaled(k.layers.Layer):
        def __init__(self, units=3, power=2.0, **kwargs):
            super(Scaled, self).__init__(**kwargs)
            self.units, self.power = units, power

        def build(self, shape):
            size = int(shape[-1])
            self.scale = self.add_weight(
                name="scale", shape=(size, self.units), initializer="uniform", trainable=True
            )
            super(Scaled, self).build(shape)

        def call(self, x):
            return K.dot(x**self.power, self.scale)

        def compute_output_shape(self, shape):
            return (*tuple(shape[:-1]), self.units)

        def get_config(self):
            config = super(Scaled, self).get_config()
            return dict(config, units=self.units, power=self.power)

    return k.Sequential([k.Dense(4, input_shape=(5,)), Scaled(3, name="scaled"), k.Dense(2)])


def lambdas(k):
    """Functions without a name: some that everybody writes, and one that nobody does."""
    x = inputs = k.Input((4, 3))
    x = k.Lambda(lambda x: x / 127.5 - 1.0, name="pixels")(x)
    y = k.Lambda(lambda t: K.mean(t, axis=1), output_shape=(3,), name="mean")(x)
    z = k.Lambda(lambda t: K.l2_normalize(t, axis=-1), output_shape=(4, 3), name="unit")(x)
    z = k.Lambda(lambda x: x[:, -1, :], output_shape=(3,), name="last")(z)
    w = k.Lambda(lambda ts: K.abs(ts[0] - ts[1]), output_shape=(3,), name="apart")([y, z])
    w = k.Lambda(lambda x: K.sqrt(x * x + 0.5) * 3, output_shape=(3,), name="odd")(w)
    return k.Model(inputs, k.Dense(2)(w))


def trained(k):
    """Trained with Adam; BatchNormalization has statistics and a frozen layer has no slots."""
    layers = [k.Dense(6, activation="relu", input_shape=(5,)), k.BatchNormalization(), k.Dense(4)]
    model = k.Sequential([*layers, k.Dense(2)])
    model.layers[2].trainable = False
    return model


def trained_sgd(k):
    """Trained with SGD, momentum and a rate that falls."""
    words = k.Input((4,), dtype="int32")
    x = k.GRU(3, reset_after=False)(k.Embedding(7, 3)(words))
    return k.Model(words, k.Dense(2, activation="softmax")(x))


def subclassed(k):
    """A model with a call of its own."""
    if k.tf is None:
        return None

    class Tower(k.tf.keras.Model):
        def __init__(self):
            super(Tower, self).__init__(name="tower")
            self.first = k.Dense(4, activation="tanh", name="first")
            self.norm = k.BatchNormalization(name="norm")
            self.rest = [k.Dense(4, name="rest_0"), k.Dense(2, name="rest_1")]

        def call(self, x, training=None):
            x = self.norm(self.first(x), training=training)
            return self.rest[1](self.rest[0](x) + x)

        def get_config(self):
            return {}

    return Tower()


CASES = [
    nested,
    sequential,
    convolution,
    recurrent,
    cells,
    translator,
    masked,
    merged,
    activated,
    attention,
    operations,
    preprocessing,
    custom,
    lambdas,
    trained,
    trained_sgd,
    subclassed,
]

TRAINED = {"trained": "adam", "trained_sgd": "sgd"}

# Formats of each case; whole graphs are large, so SavedModels are written of the telling ones.
SAVED_MODELS = {
    "nested",
    "convolution",
    "masked",
    "attention",
    "operations",
    "custom",
    "lambdas",
    "trained",
    "subclassed",
    "recurrent",
}


def arrays(name, random):
    """Return the inputs of a case."""
    shapes = {
        "nested": [(3, 4), (3, 4)],
        "sequential": [(3, 5)],
        "convolution": [(2, 12, 12, 3)],
        "recurrent": [(3, 5, 3)],
        "cells": [(2, 4, 5, 5, 2)],
        "translator": [(3, 4, 3), (3, 5, 2)],
        "masked": [(3, 6), (3, 6, 2)],
        "merged": [(3, 4), (3, 4)],
        "activated": [(3, 4, 3)],
        "attention": [(3, 4, 6), (3, 5, 6)],
        "operations": [(3, 4, 3)],
        "preprocessing": [(2, 6, 6, 3), (2, 2), (2, 1)],
        "custom": [(3, 5)],
        "lambdas": [(3, 4, 3)],
        "trained": [(8, 5)],
        "trained_sgd": [(8, 4)],
        "subclassed": [(3, 5)],
    }[name]
    found = [random.uniform(-1, 1, size=shape).astype("float32") for shape in shapes]
    if name == "masked":
        found[0] = np.array([[1, 2, 3, 0, 0, 0], [4, 5, 6, 7, 8, 0], [8, 1, 2, 3, 4, 5]], "int32")
        found[1][:, 4:] = 0
    if name == "preprocessing":
        found[0], found[1] = found[0] * 255, found[1] * 10
        found[2] = np.array([[5], [7]], "int64")
    if name == "trained_sgd":
        found[0] = random.randint(0, 7, size=shapes[0]).astype("int32")
    return found


def targets(name, random):
    """Return the targets of a trained case."""
    return random.uniform(0, 1, size=(8, 2)).astype("float32")
