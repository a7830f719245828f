"""Write the golden checkpoints and SavedModels with an old TensorFlow.

python make_tensorflow.py FOLDER, with tensorflow-cpu 2.3.4 (Python 3.8) or 2.15.1 (Python 3.11).
Each SavedModel comes with NAME.npz: the inputs and the outputs that TensorFlow gave for them.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

FOLDER = Path(sys.argv[1])


def checkpoint():
    values = {
        "float32": np.arange(6, dtype="f4").reshape(2, 3) - 2.5,
        "float64": np.array([1e300, -0.0]),
        "float16": np.array([0.5, -2], "f2"),
        "int8": np.array([-128, 127], "i1"),
        "int32": np.int32(-7),
        "int64": np.array([1 << 40]),
        "uint16": np.array([65535], "u2"),
        "bool": np.array([True, False, True]),
        "complex64": np.array([1 + 2j], "c8"),
        "string": np.array([b"", b"a", b"long " * 60, bytes(range(256))]),
        "empty": np.zeros((0, 4), "f4"),
    }
    variables = {name: tf.Variable(value) for name, value in values.items()}
    variables["bfloat16"] = tf.Variable(tf.cast([1.5, -3.0], tf.bfloat16))
    tf.train.Checkpoint(**variables).write(str(FOLDER / "dtypes" / "ckpt"))


def sliced():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        parts = tf.compat.v1.fixed_size_partitioner(3)
        tf.compat.v1.get_variable(
            "weights", initializer=tf.reshape(tf.range(40.0), [10, 4]), partitioner=parts
        )
        session.run(tf.compat.v1.global_variables_initializer())
        saver = tf.compat.v1.train.Saver()
        saver.save(session, str(FOLDER / "sliced" / "ckpt"), write_meta_graph=False)
    (FOLDER / "sliced" / "checkpoint").unlink()


def model():
    layers = tf.keras.layers
    one = tf.keras.Sequential(
        [
            layers.Dense(4, activation="tanh", input_shape=(3,), name="first"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(2, name="last"),
        ],
        name="golden",
    )
    one.layers[0].trainable = False
    random = np.random.RandomState(1)
    one.set_weights([random.rand(*value.shape).astype("f4") for value in one.get_weights()])
    name = f"keras_{tf.__version__.rpartition('.')[0]}"
    one.save(str(FOLDER / name), include_optimizer=False, save_format="tf")
    inputs = random.rand(5, 3).astype("f4")
    np.savez(str(FOLDER / f"{name}.npz"), inputs=inputs, outputs=one.predict(inputs))


def module():
    one = tf.Module()
    one.scale = tf.Variable([2.0, 3.0], name="scale")
    call = tf.function(lambda x: {"scaled": x * one.scale}, autograph=False)
    one.call = call
    spec = tf.TensorSpec([None, 2], tf.float32, "x")
    tf.saved_model.save(one, str(FOLDER / "module"), signatures=call.get_concrete_function(spec))


model()
if tf.__version__.startswith("2.3"):
    checkpoint()
    sliced()
    module()
