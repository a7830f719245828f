"""Write small trained models with an old Keras, and what one more batch makes of them.

python make_training.py FOLDER, with tensorflow-cpu 2.15.1 (Python 3.11) or 2.3.4 (Python 3.8), or
with keras 2.2.4 on tensorflow 1.15.5 (Python 3.7). NAME.npz has a batch (x, y) and the outputs
after loading (before) and after one further train_on_batch (after).

In the graphs of TensorFlow 1 the gradients of a layer may see the weights of another one already
updated, so its models have a single layer.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

try:
    import keras
except ImportError:
    keras = tf.keras
VERSION = tuple(int(part) for part in tf.__version__.split(".")[:2])
if VERSION >= (2, 0):
    keras = tf.keras
FOLDER = Path(sys.argv[1])
layers, optimizers = keras.layers, keras.optimizers
legacy = getattr(optimizers, "legacy", optimizers)
precision = None if VERSION < (2, 0) else keras.mixed_precision


def plain():
    return keras.models.Sequential(
        [
            layers.Dense(3, activation="tanh", input_shape=(4,), name="first"),
            layers.Dense(2, name="last"),
        ]
    )


def single():
    return keras.models.Sequential([layers.Dense(2, input_shape=(4,), name="last")])


def convolution():
    return keras.models.Sequential(
        [
            layers.Reshape((4, 1), input_shape=(4,), name="reshape"),
            layers.Conv1D(3, 2, activation="tanh", name="first"),
            layers.Flatten(name="flat"),
            layers.Dense(2, name="last"),
        ]
    )


def tied():
    entry, shared = layers.Input((4,)), layers.Dense(4, activation="tanh", name="shared")
    return keras.models.Model(entry, layers.Dense(2, name="last")(shared(shared(entry))))


def twins():
    """Two inner models whose variables have the same names; one is frozen."""
    one, two = (
        keras.models.Sequential(
            [layers.Dense(3, activation="tanh", input_shape=(4,), name="dense")], name=name
        )
        for name in ("one", "two")
    )
    one.trainable = False
    entry = layers.Input((4,))
    both = layers.concatenate([one(entry), two(entry)], name="both")
    return keras.models.Model(entry, layers.Dense(2, name="last")(both))


def save(name, optimizer, formats, model=plain, scale=1.0, **compiled):
    made = model()
    random = np.random.RandomState(len(name))
    made.set_weights([random.uniform(-0.7, 0.7, one.shape) for one in made.get_weights()])
    made.compile(optimizer=optimizer, loss="mse", **compiled)
    for _ in range(4):
        x, y = random.randn(6, 4).astype("f4"), (scale * random.randn(6, 2)).astype("f4")
        if _ < 3:
            made.train_on_batch(x, y)
    before = made.predict_on_batch(x)
    for suffix in formats.split():
        path = str(FOLDER / (name if suffix == "tf" else name + "." + suffix))
        if suffix == "tf" and VERSION >= (2, 4):
            made.save(path, save_format="tf", save_traces=False)
        else:
            made.save(path)
    made.train_on_batch(x, y)
    after = made.predict_on_batch(x)
    np.savez(str(FOLDER / (name + ".npz")), x=x, y=y, before=before, after=after)


def keras_2_2():
    save("adam_2.2", optimizers.Adam(lr=0.05), "h5", single)
    save("clipnorm_2.2", optimizers.SGD(lr=0.05, momentum=0.5, clipnorm=0.1), "h5", single)
    save("adadelta_2.2", optimizers.Adadelta(), "h5", single)
    save("rmsprop_2.2", optimizers.RMSprop(lr=0.01, epsilon=1e-2), "h5", single)
    save("adagrad_2.2", optimizers.Adagrad(lr=0.01, epsilon=1e-2), "h5", single)
    save("decay_2.2", optimizers.SGD(lr=0.1, decay=0.5, nesterov=True, momentum=0.5), "h5", single)


def tensorflow_2_3():
    scale = precision.experimental.LossScaleOptimizer
    save("nadam_2.3", optimizers.Nadam(0.05), "h5 tf")
    save("rmsprop_2.3", optimizers.RMSprop(0.01, epsilon=1e-2, centered=True), "h5", scale=0.1)
    save("decay_2.3", optimizers.SGD(0.1, momentum=0.5, nesterov=True, decay=0.5), "h5")
    save("dynamic_2.3", scale(optimizers.Adam(0.05), "dynamic"), "h5")
    save("fixed_2.3", scale(optimizers.SGD(0.05, momentum=0.9), 16.0), "h5")


def tensorflow_2_15():
    scale, schedule = (
        precision.LossScaleOptimizer,
        optimizers.schedules.ExponentialDecay(0.2, 2, 0.5),
    )
    averages = {"use_ema": True, "ema_momentum": 0.8}
    save("nadam", optimizers.Nadam(0.05), "h5 keras tf")
    save("adafactor", optimizers.Adafactor(0.05), "h5 keras tf", convolution)
    save("averages", optimizers.Adam(0.05, weight_decay=0.1, **averages), "h5 keras tf")
    save("dynamic", scale(optimizers.Adam(0.05), initial_scale=16.0), "h5 keras tf")
    save("fixed", scale(legacy.SGD(0.05, 0.9), dynamic=False, initial_scale=16.0), "h5 tf")
    save("dynamic_old", scale(legacy.Adam(0.05), initial_scale=16.0), "h5 tf")
    save("word", "adam", "keras", metrics=["mae"], weighted_metrics=["mse"], loss_weights=2.0)
    save("adagrad_old", legacy.Adagrad(0.05, epsilon=0.1), "h5 tf")
    save("rmsprop_old", legacy.RMSprop(0.01, epsilon=1e-2), "h5 tf", scale=0.1)
    save("nadam_old", legacy.Nadam(0.05), "h5 tf")
    save("ftrl_old", legacy.Ftrl(0.1, l1_regularization_strength=0.01), "h5 tf")
    save("schedule_old", legacy.SGD(schedule, decay=0.5, momentum=0.5), "h5 tf")
    save("amsgrad_old", legacy.Adam(0.05, amsgrad=True, global_clipnorm=0.1), "tf", tied)
    save("twins", optimizers.Adam(0.05), "h5 keras tf", twins)
    save("twins_old", legacy.Adam(0.05), "h5 tf", twins)


{1: keras_2_2, 2: tensorflow_2_15 if VERSION > (2, 3) else tensorflow_2_3}[VERSION[0]]()
