"""Write small models of layers that Keras 3 dropped or computes otherwise, by TensorFlow 2.15.1.

Run with that version: ``python keras2_layers.py FOLDER``. Each model is a whole-model H5 file; the
inputs and outputs of all of them lie in ``layers.npz``.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

K, L = tf.keras, tf.keras.layers


def padded():
    return K.Input((6,), dtype="int32")


def seq2seq():
    source, target = padded(), padded()
    embedding = L.Embedding(4, 3, mask_zero=True)
    _, *state = L.LSTM(2, return_state=True)(embedding(source))
    outputs = L.LSTM(2, return_sequences=True)(embedding(target), initial_state=state)
    return K.Model([source, target], outputs)


def merged(merge):
    first, second = padded(), padded()
    embedding, plain = L.Embedding(4, 3, mask_zero=True), L.Embedding(4, 3)
    parts = [embedding(first), embedding(second), plain(second)]
    return K.Model([first, second], L.LSTM(2)(merge(parts)))


def alone(layer, shape, dtype="float32"):
    inputs = K.Input(shape, dtype=dtype)
    return K.Model(inputs, layer(inputs))


def adapted():
    layer = L.Discretization(num_bins=3)
    layer.adapt(np.arange(20, dtype="float32")[:, None] / 5)
    return alone(layer, (2,))


def attention(layer):
    query, value = K.Input((3, 2)), K.Input((4, 2))
    return K.Model([query, value], layer(query, value))


def beside(merge):
    first, second = padded(), padded()
    parts = [L.Embedding(4, 3, mask_zero=True)(first), L.Embedding(4, 3)(second)]
    return K.Model([first, second], merge(parts))


def read(reader):
    words = padded()
    return K.Model(words, reader(L.Embedding(4, 3, mask_zero=True)(words)))


def seen_by_few():
    query, seen = K.Input((3, 2)), K.Input((3, 3))
    return K.Model([query, seen], L.MultiHeadAttention(2, 2)(query, query, attention_mask=seen > 1))


def steps_first():
    words = K.Input((6,), batch_size=5, dtype="int32")
    steps = L.Embedding(4, 3, mask_zero=True)(words)
    *outputs, _, _ = L.LSTM(2, return_sequences=True, return_state=True, time_major=True)(steps)
    return K.Model(words, L.GRU(2, time_major=True)(outputs[0]))


@K.utils.register_keras_serializable("golden")
class Heads(K.Model):
    """Keras 2 takes layers of a dict by their keys, not in the order in which they were put in."""

    def __init__(self, name=None):
        super().__init__(name=name)
        self.heads = {"b": L.Dense(3), "a": L.Dense(3)}

    def call(self, inputs):
        return self.heads["a"](inputs) - 2 * self.heads["b"](inputs)

    def get_config(self):
        return {"name": self.name}


IMAGE, STEPS = (4, 5, 2), (5, 2)
MODELS = {
    "local_1d_1": lambda: alone(L.LocallyConnected1D(2, 3, activation="tanh"), STEPS),
    "local_1d_2": lambda: alone(
        L.LocallyConnected1D(2, 2, padding="same", implementation=2), STEPS
    ),
    "local_1d_3": lambda: alone(L.LocallyConnected1D(2, 2, strides=2, implementation=3), STEPS),
    "local_2d_1": lambda: alone(L.LocallyConnected2D(2, 2, data_format="channels_first"), IMAGE),
    "local_2d_2": lambda: alone(L.LocallyConnected2D(2, (2, 3), implementation=2), IMAGE),
    "local_2d_3": lambda: alone(
        L.LocallyConnected2D(2, 2, padding="same", strides=(2, 1), implementation=3), IMAGE
    ),
    "fourier": lambda: alone(L.experimental.RandomFourierFeatures(3, scale=2.0), (4,)),
    "causal": lambda: alone(L.SeparableConv1D(3, 2, padding="causal", dilation_rate=2), STEPS),
    "axes": lambda: alone(L.BatchNormalization(axis=[1, 2]), IMAGE),
    "synchronized": lambda: alone(L.experimental.SyncBatchNormalization(), IMAGE),
    "crop": lambda: alone(L.RandomCrop(3, 2), IMAGE),
    "height": lambda: alone(L.RandomHeight(0.2), IMAGE),
    "bicubic": lambda: alone(L.Resizing(7, 3, interpolation="bicubic"), IMAGE),
    "bytes": lambda: alone(L.Resizing(3, 7), IMAGE, "uint8"),
    "upsampled": lambda: alone(L.UpSampling2D(2, interpolation="lanczos3"), IMAGE),
    "wide_values": lambda: attention(L.MultiHeadAttention(2, 2, value_dim=3)),
    "residual": lambda: alone(L.RNN(tf.nn.RNNCellResidualWrapper(L.GRUCell(2))), STEPS),
    "seq2seq": seq2seq,
    "merged_add": lambda: merged(lambda parts: L.Add()(parts)),
    "merged_concatenate": lambda: merged(lambda parts: L.Concatenate()(parts)),
    "adapted": adapted,
    "averaged": lambda: alone(L.AveragePooling2D(3, strides=2, padding="same"), (6, 5, 2)),
    "averaged_steps": lambda: alone(L.AveragePooling1D(4, strides=1, padding="same"), STEPS),
    "normalized": lambda: alone(L.LayerNormalization(axis=[1, 2]), IMAGE),
    "normalized_backwards": lambda: alone(L.LayerNormalization(axis=[-1, 1]), IMAGE),
    "beside_multiplied": lambda: beside(L.Multiply()),
    "beside_maximum": lambda: beside(L.Maximum()),
    "attention_padded": lambda: read(lambda steps: L.MultiHeadAttention(2, 2)(steps, steps)),
    "attention_few": seen_by_few,
    "cast_padded": lambda: read(
        lambda steps: L.GlobalAveragePooling1D()(tf.cast(steps, "float32"))
    ),
    "steps_first": steps_first,
    "heads": lambda: alone(Heads(), (3,)),
}


def values(tensor, rng):
    shape = [tensor.shape[0] or 3, *tensor.shape[1:]]
    if tensor.dtype == tf.int32:
        return rng.integers(0, 4, shape).astype("int32")
    if tensor.dtype == tf.uint8:
        return rng.integers(0, 255, shape).astype("uint8")
    return rng.standard_normal(shape).astype("float32")


def main(folder):
    rng, held = np.random.default_rng(7), {}
    for name, make in MODELS.items():
        K.backend.clear_session()
        model = make()
        for weight in model.weights:
            if "summary" not in weight.name:
                weight.assign(weight + rng.random(weight.shape).astype("float32") / 2)
        inputs = [values(tensor, rng) for tensor in model.inputs]
        outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
        model.save(folder / f"{name}.h5", include_optimizer=False)
        held |= {f"{name}.{place}": one for place, one in enumerate(inputs)}
        held[f"{name}.out"] = outputs.numpy()
    np.savez_compressed(folder / "layers.npz", **held)


main(Path(sys.argv[1]))
