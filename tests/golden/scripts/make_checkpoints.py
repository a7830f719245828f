"""Write the golden checkpoints of whole models with an old TensorFlow.

python make_checkpoints.py FOLDER, with tensorflow 1.15.5 (Python 3.7), tensorflow-cpu 2.3.4 (Python
3.8), 2.15.1 (Python 3.11) or 2.21.0. Each gives what its version alone writes; NAME.npz beside it
has inputs and the outputs that TensorFlow gave for them, or the values of the variables.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

FOLDER = Path(sys.argv[1])
RANDOM = np.random.RandomState(7)


def fill(model):
    model.set_weights([RANDOM.rand(*value.shape).astype("f4") for value in model.get_weights()])


def keep(name, model, inputs):
    np.savez(str(FOLDER / (name + ".npz")), inputs=inputs, outputs=model.predict(inputs))


def saver():
    """A graph of TensorFlow 1: variables by name, slots of Adam, one variable in partitions."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, [None, 3])
        hidden = tf.compat.v1.layers.dense(x, 4, activation=tf.nn.tanh, name="first")
        with tf.compat.v1.variable_scope("last"):
            parts = tf.compat.v1.fixed_size_partitioner(2)
            kernel = tf.compat.v1.get_variable("kernel", [4, 2], partitioner=parts)
            bias = tf.compat.v1.get_variable("bias", [2], initializer=tf.ones_initializer())
        y = tf.matmul(hidden, tf.convert_to_tensor(kernel)) + bias
        step = tf.compat.v1.train.get_or_create_global_step()
        train = tf.compat.v1.train.AdamOptimizer(0.1).minimize(tf.reduce_mean(y**2), step)
        session.run(tf.compat.v1.global_variables_initializer())
        inputs = RANDOM.rand(5, 3).astype("f4")
        session.run(train, {x: inputs})
        tf.compat.v1.train.Saver(save_relative_paths=True).save(
            session,
            str(FOLDER / "saver_1.15" / "model.ckpt"),
            global_step=1,
            write_meta_graph=False,
        )
        np.savez(str(FOLDER / "saver_1.15.npz"), inputs=inputs, outputs=session.run(y, {x: inputs}))


def first_version():
    """The format that TensorFlow wrote until 2016."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.get_variable("weights", initializer=tf.range(4.0))
        session.run(tf.compat.v1.global_variables_initializer())
        (FOLDER / "v1").mkdir(parents=True, exist_ok=True)
        one = tf.compat.v1.train.Saver(write_version=tf.compat.v1.train.SaverDef.V1)
        one.save(session, str(FOLDER / "v1" / "model.ckpt"), write_meta_graph=False)
    (FOLDER / "v1" / "checkpoint").unlink()


def first_version_sharded():
    """The same on two devices, of every type, with one variable in partitions."""
    values = {
        "single": np.array([[1.5, -2], [0, 3]], "f4"),
        "double": np.array([1e300, -1]),
        "half": np.array([0.5, -65504], "f2"),
        "int": np.array([-7, 2**31 - 1], "i4"),
        "small": np.array([-128, 127], "i1"),
        "long": np.array([-(2**62), 5]),
        "byte": np.array([0, 255], "u1"),
        "flag": np.array([True, False]),
        "pair": np.array([1 + 2j], "c8"),
        "number": np.array(3.25, "f4"),
        "cut": np.arange(10, dtype="f4").reshape(5, 2),
    }
    config = tf.compat.v1.ConfigProto(device_count={"CPU": 2})
    with tf.Graph().as_default(), tf.compat.v1.Session(config=config) as session:
        sets = []
        for at, (name, value) in enumerate(sorted(values.items())):
            parts = tf.compat.v1.fixed_size_partitioner(2) if name == "cut" else None
            with tf.device("/cpu:%d" % (at % 2)):
                zeros, dtype = tf.zeros_initializer(), tf.as_dtype(value.dtype)
                made = tf.compat.v1.get_variable(name, value.shape, dtype, zeros, partitioner=parts)
                sets.append(made.assign(value))
        session.run(sets)
        (FOLDER / "v1_sharded").mkdir(parents=True, exist_ok=True)
        version = tf.compat.v1.train.SaverDef.V1
        one = tf.compat.v1.train.Saver(write_version=version, sharded=True)
        one.save(session, str(FOLDER / "v1_sharded" / "model.ckpt"), write_meta_graph=False)
        np.savez(str(FOLDER / "v1_sharded.npz"), **values)
    (FOLDER / "v1_sharded" / "checkpoint").unlink()


def served():
    """SavedModels of TensorFlow 1: one of a graph, one of an Estimator."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, [None, 2], name="x")
        scale = tf.compat.v1.get_variable("scale", initializer=[2.0, 3.0])
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.saved_model.simple_save(
            session, str(FOLDER / "graph_1.15"), {"x": x}, {"y": x * scale}
        )
    column = tf.feature_column.numeric_column("x")
    one = tf.estimator.LinearClassifier([column])
    data = {"x": np.arange(4.0)}
    one.train(tf.compat.v1.estimator.inputs.numpy_input_fn(data, np.arange(4) % 2, shuffle=False))
    spec = tf.feature_column.make_parse_example_spec([column])
    serve = tf.estimator.export.build_parsing_serving_input_receiver_fn(spec)
    made = one.export_saved_model(str(FOLDER / "made"), serve)
    Path(made.decode()).rename(FOLDER / "estimator_1.15")
    (FOLDER / "made").rmdir()


def functional():
    """``save_weights`` of a compiled functional model with a model inside; slots of OptimizerV2."""
    layers = tf.keras.layers
    inner = tf.keras.Sequential([layers.Dense(4, input_shape=(4,)), layers.BatchNormalization()])
    x = tf.keras.Input((6, 3))
    y = layers.Bidirectional(layers.LSTM(2))(layers.Dropout(0.1)(x))
    y = inner(y)
    left, right = layers.Dense(4, name="left")(y), layers.Dense(4, name="right")(y)
    model = tf.keras.Model(x, layers.Dense(2)(layers.Subtract()([left, right])))
    model.compile("adam", "mse")
    model.fit(RANDOM.rand(8, 6, 3), RANDOM.rand(8, 2), verbose=0)
    fill(model)
    model.save_weights(str(FOLDER / "functional_2.3" / "weights"), save_format="tf")
    keep("functional_2.3", model, RANDOM.rand(5, 6, 3).astype("f4"))


class Blocks(tf.keras.Model):
    """A subclassed model with layers in a list and a dict, and one of them twice."""

    def __init__(self):
        super().__init__()
        self.blocks = [tf.keras.layers.Dense(3, activation="tanh") for _ in range(2)]
        self.heads = {"a": tf.keras.layers.Dense(2), "b": tf.keras.layers.Dense(2)}
        self.norm = tf.keras.layers.LayerNormalization()
        self.again = self.norm

    def call(self, x):
        for block in self.blocks:
            x = self.norm(block(x))
        return self.heads["a"](x) - self.heads["b"](self.again(x))


def objects():
    """``tf.train.Checkpoint`` of a model, its optimizer and a step, twice in one directory."""
    model = Blocks()
    model.compile("adam", "mse")
    model.fit(RANDOM.rand(8, 3), RANDOM.rand(8, 2), verbose=0)
    whole = tf.train.Checkpoint(net=model, optimizer=model.optimizer, step=tf.Variable(1))
    manager = tf.train.CheckpointManager(whole, str(FOLDER / "objects_2.15"), max_to_keep=2)
    manager.save()
    fill(model)
    manager.save()
    keep("objects_2.15", model, RANDOM.rand(5, 3).astype("f4"))


def sharded():
    """What TensorFlow slices over several files since 2.16."""
    value = np.arange(48, dtype="f4").reshape(12, 4)
    whole = tf.train.Checkpoint(large=tf.Variable(value), small=tf.Variable(value[0]))
    policy = tf.train.experimental.MaxShardSizePolicy(max_shard_size=100)
    options = tf.train.CheckpointOptions(experimental_sharding_callback=policy)
    whole.write(str(FOLDER / "sharded_2.21" / "ckpt"), options=options)


def exported():
    """What Keras 3 exports for serving."""
    one = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(2, name="last")])
    one.export(str(FOLDER / "export_2.21"), verbose=False)


WRITERS = {
    "1.15": (saver, first_version, first_version_sharded, served),
    "2.3": (functional,),
    "2.15": (objects,),
    "2.21": (sharded, exported),
}
for write in WRITERS[tf.__version__.rpartition(".")[0]]:
    write()
