"""The whole way, on the active backend: the bytes of an old TensorFlow to the outputs it gave."""

import json

import h5py
import numpy as np
import pytest

from kport_compat.h5 import H5

from .conftest import BIAS, DENSE, KERNEL, adam, write_list, write_model

pytestmark = pytest.mark.backend


@pytest.fixture
def build():
    from kport.model import build

    H5.components()
    return build


def call(model, inputs):
    import keras

    return keras.ops.convert_to_numpy(model(inputs, training=False))


def test_the_digits_come_out_as_the_old_tensorflow_gave_them(build, digits, digits_sample):
    inputs, outputs = digits_sample
    found = call(build(H5.read(digits)), inputs)
    error = np.abs(found - outputs).max() / np.abs(outputs).max()
    assert error < 1e-5
    np.testing.assert_array_equal(found.argmax(1), outputs.argmax(1))


# Keras's own warning comes before its error, and warnings are errors here.
@pytest.mark.filterwarnings("ignore:Argument `alpha` is deprecated:UserWarning")
def test_plain_keras_cannot_load_the_digits(digits):
    import keras

    with pytest.raises(TypeError, match="DepthwiseConv2D"):
        keras.models.load_model(digits)


def test_the_state_of_adam_is_in_the_slots_of_its_variables(build, digits):
    import keras

    model = build(H5.read(digits))
    optimizer = model.optimizer
    assert int(keras.ops.convert_to_numpy(optimizer.iterations)) == 45 * 15
    assert float(keras.ops.convert_to_numpy(optimizer.learning_rate)) == pytest.approx(0.004)
    with h5py.File(digits) as file:
        state = file["optimizer_weights/Adam"]
        for slot, place in (("m", 0), ("v", 1)):
            mine = [keras.ops.convert_to_numpy(one) for one in optimizer.variables[2 + place :: 2]]
            digit = mine[len(model.trainable_variables) - 2]
            np.testing.assert_array_equal(digit, state[f"digit/kernel/{slot}:0"][()])


def test_hard_sigmoid_gives_what_keras_2_gave(build, tmp_path):
    layer = {**DENSE, "config": {**DENSE["config"], "activation": "hard_sigmoid"}}
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": [layer]}}
    model = build(H5.read(write_model(tmp_path / "m.h5", config=config)))
    inputs = np.array([[0.1, -0.9, 0.05]], "f4")
    expected = np.clip(0.2 * (inputs @ KERNEL + BIAS) + 0.5, 0, 1)
    np.testing.assert_allclose(call(model, inputs), expected, rtol=1e-6)


def test_hard_sigmoid_differs_from_the_one_of_keras_3():
    import keras

    from kport_compat.layers._activations import hard_sigmoid_v1

    x = np.linspace(-4, 4, 9, dtype="f4")
    mine = keras.ops.convert_to_numpy(hard_sigmoid_v1(x))
    np.testing.assert_allclose(mine, np.clip(0.2 * x + 0.5, 0, 1), rtol=1e-6)
    theirs = keras.ops.convert_to_numpy(keras.activations.hard_sigmoid(x))
    assert np.abs(mine - theirs).max() > 0.01


def test_thresholded_relu_gives_what_keras_2_gave(build, tmp_path):
    layers = [DENSE, {"class_name": "ThresholdedReLU", "config": {"name": "t", "theta": 8.0}}]
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": layers}}
    model = build(H5.read(write_model(tmp_path / "m.h5", config=config)))
    found = call(model, np.zeros((1, 3), "f4"))  # the bias alone: 7 and 8
    np.testing.assert_array_equal(found, [[0, 0]])  # 8 is not greater than 8
    found = call(model, np.ones((1, 3), "f4"))
    np.testing.assert_array_equal(found, np.ones((1, 3), "f4") @ KERNEL + BIAS)


def test_a_model_goes_on_training(build, tmp_path):
    """One step of SGD with momentum, computed by hand out of the file's own momentum."""
    momentum = {
        "SGD/iter:0": np.int64(3),
        "SGD/dense/kernel/momentum:0": np.full_like(KERNEL, 0.5),
        "SGD/dense/bias/momentum:0": np.full_like(BIAS, -0.5),
    }
    training = adam(momentum=0.5)
    training["optimizer_config"] = {
        "class_name": "SGD",
        "config": {"learning_rate": 0.25, "momentum": 0.5, "decay": 0.0, "nesterov": False},
    }
    path = write_model(tmp_path / "m.h5", training=training, optimizer=momentum)
    model = build(H5.read(path))
    inputs = np.ones((1, 3), "f4")
    output = inputs @ KERNEL + BIAS
    model.train_on_batch(inputs, output - 1)  # mse: the gradient of each output is 1
    expected = BIAS + 0.5 * -0.5 - 0.25 * np.ones(2, "f4")
    np.testing.assert_allclose(call(model, np.zeros((1, 3), "f4"))[0], expected, rtol=1e-6)
    assert int(model.optimizer.iterations) == 4


def write_layers(path, layers, weights):
    """Write a Sequential model; `weights` is layer name -> weight name -> value."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.12.0"
        config = {"class_name": "Sequential", "config": {"name": "s", "layers": layers}}
        file.attrs["model_config"] = json.dumps(config)
        root = file.create_group("model_weights")
        write_list(root, "layer_names", list(weights))
        for layer, values in weights.items():
            group = root.create_group(layer)
            write_list(group, "weight_names", list(values))
            for name, value in values.items():
                group[name] = value
    return path


def test_an_adapted_normalization_uses_the_statistics_of_the_file(build, tmp_path):
    layer = {
        "class_name": "Normalization",
        "config": {"name": "n", "batch_input_shape": [None, 2], "axis": [-1], "mean": None},
    }
    mean, variance = np.array([1, 2], "f4"), np.array([4, 9], "f4")
    values = {"n/mean:0": mean, "n/variance:0": variance, "n/count:0": np.int64(5)}
    model = build(H5.read(write_layers(tmp_path / "m.h5", [layer], {"n": values})))
    np.testing.assert_allclose(call(model, mean[None] + 6), [[3, 2]], rtol=1e-6)


def test_a_stateful_layer_begins_with_zeros(build, tmp_path):
    layer = {
        "class_name": "SimpleRNN",
        "config": {
            "name": "r",
            "batch_input_shape": [1, 1, 3],
            "units": 2,
            "activation": "linear",
            "stateful": True,
            "time_major": False,
        },
    }
    values = {
        "r/kernel:0": KERNEL,
        "r/recurrent_kernel:0": np.eye(2, dtype="f4"),
        "r/bias:0": BIAS,
    }
    model = build(H5.read(write_layers(tmp_path / "m.h5", [layer], {"r": values})))
    inputs = np.ones((1, 1, 3), "f4")
    np.testing.assert_allclose(call(model, inputs), inputs[0] @ KERNEL + BIAS, rtol=1e-6)
