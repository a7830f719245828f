"""The order of optimizer state: three writers, one Keras 3 order."""

import h5py
import numpy as np
import pytest

from kport.checkpoint import Kind, Note, Position
from kport.errors import UnsafeFileError
from kport_compat.h5 import H5

from .conftest import BIAS, KERNEL, adam, write_model


def state(path):
    """The names of the optimizer's tensors in the order of their positions."""
    tensors = H5.read(path).of_kind(Kind.OPTIMIZER).values()
    ordered = sorted(tensors, key=lambda one: one.position.index)
    assert [one.position for one in ordered] == [
        Position("optimizer", index) for index in range(len(ordered))
    ]
    return [one.name.removeprefix("optimizer.") for one in ordered]


def training(name, **config):
    made = adam(**config)
    made["optimizer_config"]["class_name"] = name
    return made


def legacy(prefix, *slots):
    names = [f"{prefix}/dense/{weight}/{slot}:0" for slot in slots for weight in ("kernel", "bias")]
    return {f"{prefix}/iter:0": np.int64(3)} | {
        name: KERNEL if "kernel" in name else BIAS for name in names
    }


def modern(prefix, *slots):
    names = [f"{prefix}{slot}/dense/{weight}:0" for weight in ("kernel", "bias") for slot in slots]
    return {"iteration:0": np.int64(3)} | {
        name: KERNEL if "kernel" in name else BIAS for name in names
    }


HEAD = ["iteration", "learning_rate"]

CASES = [
    pytest.param(
        training("Adam"),
        legacy("Adam", "m", "v"),
        [
            "Adam.iter",
            "learning_rate",
            "Adam.dense.kernel.m",
            "Adam.dense.kernel.v",
            "Adam.dense.bias.m",
            "Adam.dense.bias.v",
        ],
        id="Adam of OptimizerV2: slot after slot becomes variable after variable",
    ),
    pytest.param(
        training("Adam", amsgrad=True),
        legacy("Adam", "m", "v", "vhat"),
        [
            "Adam.iter",
            "learning_rate",
            "Adam.dense.kernel.m",
            "Adam.dense.kernel.v",
            "Adam.dense.bias.m",
            "Adam.dense.bias.v",
            "Adam.dense.kernel.vhat",
            "Adam.dense.bias.vhat",
        ],
        id="amsgrad: its slots stand behind the others",
    ),
    pytest.param(
        training("Custom>Adam"),
        modern("Adam/", "m", "v"),
        [
            *HEAD,
            "Adam.m.dense.kernel",
            "Adam.v.dense.kernel",
            "Adam.m.dense.bias",
            "Adam.v.dense.bias",
        ],
        id="Adam of Keras 2.11",
    ),
    pytest.param(
        training("SGD", momentum=0.9),
        legacy("SGD", "momentum"),
        ["SGD.iter", "learning_rate", "SGD.dense.kernel.momentum", "SGD.dense.bias.momentum"],
        id="SGD of OptimizerV2",
    ),
    pytest.param(
        training("SGD", momentum=0.0),
        legacy("SGD"),
        ["SGD.iter", "learning_rate"],
        id="SGD without momentum",
    ),
    pytest.param(
        training("Custom>SGD", momentum=0.0),
        modern("SGD/", "m"),
        HEAD,
        id="SGD of Keras 2.11 keeps momentum that Keras 3 does not",
    ),
    pytest.param(
        training("RMSprop", momentum=0.5, centered=True),
        legacy("RMSprop", "rms", "momentum", "mg"),
        [
            "RMSprop.iter",
            "learning_rate",
            "RMSprop.dense.kernel.rms",
            "RMSprop.dense.bias.rms",
            "RMSprop.dense.kernel.momentum",
            "RMSprop.dense.bias.momentum",
            "RMSprop.dense.kernel.mg",
            "RMSprop.dense.bias.mg",
        ],
        id="RMSprop of OptimizerV2",
    ),
    pytest.param(
        training("Custom>RMSprop", momentum=0.0),
        modern("RMSprop/", "velocity"),
        [*HEAD, "RMSprop.velocity.dense.kernel", "RMSprop.velocity.dense.bias"],
        id="RMSprop of Keras 2.11",
    ),
]


@pytest.mark.parametrize(("config", "weights", "order"), CASES)
def test_state_stands_in_the_order_of_keras_3(tmp_path, config, weights, order):
    path = write_model(tmp_path / "m.h5", training=config, optimizer=weights)
    assert state(path) == order


def test_slots_are_paired_by_name_and_not_by_place(tmp_path):
    weights = legacy("Adam", "m", "v")
    backwards = dict(reversed(weights.items()))
    path = write_model(tmp_path / "m.h5", training=training("Adam"), optimizer=backwards)
    assert state(path)[2:] == [
        "Adam.dense.bias.m",
        "Adam.dense.bias.v",
        "Adam.dense.kernel.m",
        "Adam.dense.kernel.v",
    ]


def test_the_learning_rate_comes_out_of_the_config(tmp_path):
    weights = legacy("Adam", "m", "v")
    path = write_model(tmp_path / "m.h5", training=training("Adam"), optimizer=weights)
    rate = H5.read(path).tensors["optimizer.learning_rate"].read()
    assert (rate.shape, rate.dtype.name, float(rate)) == ((), "float32", 0.5)


def test_a_schedule_leaves_no_learning_rate(tmp_path):
    config = training("SGD", decay=0.01, momentum=0.9)
    path = write_model(tmp_path / "m.h5", training=config, optimizer=legacy("SGD", "momentum"))
    assert state(path) == ["SGD.iter", "SGD.dense.kernel.momentum", "SGD.dense.bias.momentum"]


LEFT_OUT = [
    (
        training("Nadam"),
        legacy("Nadam", "m", "v"),
        "the state of Nadam is not translated yet",
    ),
    (
        training("Adam"),
        legacy("Adam", "m", "strange"),
        "its weight 'Adam/dense/kernel/strange:0' is of no known slot",
    ),
    (
        training("Adam"),
        {name: one for name, one in legacy("Adam", "m", "v").items() if "bias/v" not in name},
        "its slots do not belong to the same variables",
    ),
    (
        training("Adam"),
        {name: one for name, one in legacy("Adam", "m", "v").items() if "iter" not in name},
        "it has no iteration counter",
    ),
    (
        training("Adam"),
        legacy("Adam"),
        "it was saved before its first step, or under other settings",
    ),
    (
        training("Adam", use_ema=True),
        legacy("Adam", "m", "v"),
        "the averages that use_ema keeps are not translated yet",
    ),
    (
        None,
        legacy("Adam", "m", "v"),
        "the state of an optimizer without config is not translated yet",
    ),
]


@pytest.mark.parametrize(("config", "weights", "reason"), LEFT_OUT)
def test_state_of_unsure_order_is_left_out_and_said(tmp_path, config, weights, reason):
    path = write_model(tmp_path / "m.h5", training=config, optimizer=weights)
    checkpoint = H5.read(path)
    assert not checkpoint.of_kind(Kind.OPTIMIZER)
    note = Note("dropped", "optimizer", f"{reason}; training starts with fresh slots")
    assert note in checkpoint.notes


def test_a_slot_that_keras_3_lacks_is_named(tmp_path):
    config = training("Custom>SGD", momentum=0.0)
    path = write_model(tmp_path / "m.h5", training=config, optimizer=modern("SGD/", "m"))
    assert [note for note in H5.read(path).notes if note.outcome == "dropped"] == [
        Note("dropped", f"optimizer.SGD.m.dense.{weight}", "Keras 3's SGD keeps no such slot here")
        for weight in ("kernel", "bias")
    ]


def test_a_link_among_the_slots_is_refused(tmp_path):
    weights = legacy("Adam", "m", "v")
    path = write_model(tmp_path / "m.h5", training=training("Adam"), optimizer=weights)
    with h5py.File(path, "a") as file:
        del file["optimizer_weights/Adam/dense/bias/v:0"]
        file["optimizer_weights/Adam/dense/bias/v:0"] = h5py.ExternalLink("other.h5", "/x")
    with pytest.raises(UnsafeFileError, match="optimizer_weights/Adam/dense/bias/v:0: /optimizer"):
        H5.read(path)


def test_the_state_of_a_keras_3_file_is_in_order_already(tmp_path):
    names = ["adam/iteration", "adam/learning_rate", "adam/dense_kernel_momentum"]
    weights = dict(zip(names, [np.int32(3), np.float32(0.5), KERNEL], strict=True))
    path = write_model(
        tmp_path / "m.h5", training=training("Adam"), optimizer=weights, version="3.15.1"
    )
    assert state(path) == [name.replace("/", ".") for name in names]
