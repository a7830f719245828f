"""Small H5 files as old Keras wrote them, made by h5py alone."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]

DENSE = {
    "class_name": "Dense",
    "config": {
        "name": "dense",
        "trainable": True,
        "batch_input_shape": [None, 3],
        "dtype": "float32",
        "units": 2,
        "activation": "linear",
        "use_bias": True,
    },
}
CONFIG = {"class_name": "Sequential", "config": {"name": "tiny", "layers": [DENSE]}}
KERNEL = np.arange(6, dtype="<f4").reshape(3, 2)
BIAS = np.array([7, 8], "<f4")


def adam(**config):
    fields = {"name": "Adam", "learning_rate": 0.5, "decay": 0.0, "amsgrad": False, **config}
    return {
        "loss": "mse",
        "metrics": [],
        "weighted_metrics": None,
        "loss_weights": None,
        "optimizer_config": {"class_name": "Adam", "config": fields},
    }


def write_list(node, name, values):
    node.attrs[name] = np.array([value.encode() for value in values], "S")


def write_model(path, *, config=CONFIG, training=None, optimizer=None, version="2.4.0"):
    """Write a whole model of one Dense layer; returns the path."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = version
        file.attrs["backend"] = "tensorflow"
        file.attrs["model_config"] = json.dumps(config)
        weights = file.create_group("model_weights")
        write_list(weights, "layer_names", ["dense"])
        layer = weights.create_group("dense")
        write_list(layer, "weight_names", ["dense/kernel:0", "dense/bias:0"])
        layer["dense/kernel:0"] = KERNEL
        layer["dense/bias:0"] = BIAS
        if training is not None:
            file.attrs["training_config"] = json.dumps(training)
        if optimizer is not None:
            state = file.create_group("optimizer_weights")
            write_list(state, "weight_names", list(optimizer))
            for name, value in optimizer.items():
                state[name] = value
    return path


@pytest.fixture
def model_file(tmp_path):
    return write_model(tmp_path / "tiny.h5")


@pytest.fixture
def digits():
    return ROOT / "examples/legacy/digits.h5"


@pytest.fixture
def digits_sample():
    with np.load(ROOT / "examples/legacy/digits_sample.npz", allow_pickle=False) as archive:
        return archive["inputs"], archive["outputs"]
