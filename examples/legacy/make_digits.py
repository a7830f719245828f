"""Train a small digits model with TensorFlow 2.3 and save it the way that version saved models.

Written by CPython 3.8.18 with exactly the packages of ``requirements.txt``::

    python3.8 -m venv old && old/bin/pip install -r requirements.txt
    old/bin/python make_digits.py

It writes ``digits.h5`` (whole model: config, weights, Adam state) and ``digits_sample.npz``
(sixteen held-out digits with the outputs this old TensorFlow gave for them). Seeds are fixed and
one thread is used, so a second run trains the same weights.
"""

import os

os.environ["TF_DETERMINISTIC_OPS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import random
from pathlib import Path

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tensorflow.keras import layers

HERE = Path(__file__).parent
SEED = 20200727  # the day TensorFlow 2.3.0 came out


def make_model() -> tf.keras.Model:
    """Return a functional model of the layers that broke most on the way to Keras 3."""
    stem = tf.keras.Sequential(
        [
            layers.Conv2D(12, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(alpha=0.1),
            layers.DepthwiseConv2D(3, padding="same", activation="relu"),
        ],
        name="stem",
    )
    pixels = layers.Input((8, 8, 1), name="pixels")
    rows = layers.Reshape((8, 96), name="rows")(stem(pixels))
    read = layers.Bidirectional(layers.LSTM(16), name="read")(rows)
    read = layers.Dropout(0.2, name="dropout")(read)
    digit = layers.Dense(10, activation="softmax", name="digit")(read)
    return tf.keras.Model(pixels, digit, name="digits")


def main() -> None:
    """Train, report the accuracy on held-out digits, and write both files."""
    random.seed(SEED)
    np.random.seed(SEED)
    tf.random.set_seed(SEED)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype("float32").reshape(-1, 8, 8, 1)
    train_x, test_x, train_y, test_y = train_test_split(
        images, labels, test_size=0.2, random_state=SEED, stratify=labels
    )
    model = make_model()
    model.compile(
        tf.keras.optimizers.Adam(learning_rate=0.004),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(train_x, train_y, batch_size=32, epochs=15, verbose=2)
    _, accuracy = model.evaluate(test_x, test_y, verbose=0)
    print(f"held-out accuracy {accuracy:.4f}")

    model.save(str(HERE / "digits.h5"))
    inputs = test_x[:16]
    outputs = model.predict(inputs, batch_size=16)
    np.savez(str(HERE / "digits_sample.npz"), inputs=inputs, outputs=outputs)


if __name__ == "__main__":
    main()
