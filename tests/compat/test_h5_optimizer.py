"""The state of an old optimizer, with what each value belongs to in a Keras 3 one."""

import h5py
import numpy as np
import pytest

from kport.checkpoint import Kind, Note, Position, Slot
from kport.errors import UnsafeFileError
from kport_compat.h5 import H5

from .conftest import BIAS, KERNEL, adam, write_list, write_model


def state(path):
    """Name of each dataset of the optimizer in the file -> what it is for."""
    tensors = H5.read(path).of_kind(Kind.OPTIMIZER)
    assert all(one.name.startswith("optimizer.") for one in tensors.values())
    return [one.slot for one in tensors.values()]


def slots(*attributes, of=("dense.kernel", "dense.bias")):
    return [Slot(attribute, one) for attribute in attributes for one in of]


def by_variable(*attributes):
    return [
        Slot(attribute, f"dense.{one}") for one in ("kernel", "bias") for attribute in attributes
    ]


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


ITERATIONS, RATE = Slot("iterations"), Slot("learning_rate")

CASES = [
    ("Adam", {}, legacy("Adam", "m", "v"), slots("momentums", "velocities")),
    (
        "Adam",
        {"amsgrad": True},
        legacy("training/Adam", "m", "v", "vhat"),
        slots("momentums", "velocities", "velocity_hats"),
    ),
    ("Custom>Adam", {}, modern("Adam/", "m", "v"), by_variable("momentums", "velocities")),
    (
        "Custom>Adam",
        {},
        modern("Adam/", "m", "v") | {"learning_rate:0": np.float32(9)},
        by_variable("momentums", "velocities"),
    ),
    ("Custom>AdamW", {}, modern("cond_1/AdamW/", "m", "v"), by_variable("momentums", "velocities")),
    ("Adamax", {}, legacy("Adamax", "m", "v"), slots("m", "u")),
    ("Custom>Adamax", {}, modern("", "m", "u"), by_variable("m", "u")),
    (
        "Adadelta",
        {},
        legacy("Adadelta", "accum_grad", "accum_var"),
        slots("accumulated_grads", "accumulated_delta_vars"),
    ),
    ("Adagrad", {}, legacy("Adagrad", "accumulator"), slots("accumulators")),
    ("Ftrl", {}, legacy("Ftrl", "accumulator", "linear"), slots("accumulators", "linears")),
    ("Custom>Lion", {}, modern("Lion/", "m"), slots("momentums")),
    ("SGD", {"momentum": 0.9}, legacy("SGD", "momentum"), slots("momentums")),
    ("SGD", {"momentum": 0.0}, legacy("SGD"), []),
    ("Custom>SGD", {"momentum": 0.0}, modern("SGD/", "m"), []),
    (
        "RMSprop",
        {"momentum": 0.5, "centered": True},
        legacy("RMSprop", "rms", "momentum", "mg"),
        slots("velocities", "momentums", "average_gradients"),
    ),
    ("Custom>RMSprop", {"momentum": 0.0}, modern("RMSprop/", "velocity"), slots("velocities")),
    (
        "Custom>Adam",
        {"use_ema": True},
        modern("Adam/", "average", "m", "v"),
        by_variable("model_variables_moving_average", "momentums", "velocities"),
    ),
]


@pytest.mark.parametrize(("name", "config", "weights", "found"), CASES)
def test_each_slot_is_for_a_variable(tmp_path, name, config, weights, found):
    path = write_model(tmp_path / "m.h5", training=training(name, **config), optimizer=weights)
    assert state(path) == [ITERATIONS, *found, RATE]


def test_adafactor_factors_matrices_only(tmp_path):
    weights = {
        "iteration:0": np.int64(3),
        "Adafactor/r/dense/kernel:0": KERNEL[:, 0],
        "Adafactor/c/dense/kernel:0": KERNEL[0],
        "Adafactor/v/dense/kernel:0": KERNEL,
        "Adafactor/v/dense/bias:0": BIAS,
    }
    path = write_model(tmp_path / "m.h5", training=training("Custom>Adafactor"), optimizer=weights)
    kernel = slots("r", "c", "v", of=["dense.kernel"])
    assert state(path) == [ITERATIONS, *kernel, Slot("v", "dense.bias"), RATE]


@pytest.mark.parametrize("lost", ["r", "c", "v"])
def test_adafactor_without_one_of_its_factors_starts_fresh(tmp_path, lost):
    values = {"r": KERNEL[:, 0], "c": KERNEL[0], "v": KERNEL}
    weights = {"iteration:0": np.int64(3)}
    for layer in ("dense", "other"):
        weights |= {
            f"{token}/{layer}/kernel:0": value
            for token, value in values.items()
            if (token, layer) != (lost, "other")
        }
    path = write_model(tmp_path / "m.h5", training=training("Custom>Adafactor"), optimizer=weights)
    assert state(path) == []


def test_variables_of_other_names_are_numbered(tmp_path):
    weights = {
        name.replace("dense", "other"): one for name, one in legacy("Adam", "m", "v").items()
    }
    path = write_model(tmp_path / "m.h5", training=training("Adam"), optimizer=weights)
    assert state(path)[1:-1] == slots("momentums", "velocities", of=[0, 1])


def test_two_variables_of_one_name_are_numbered(tmp_path):
    path = write_model(
        tmp_path / "m.h5", training=training("Adam"), optimizer=legacy("Adam", "m", "v")
    )
    with h5py.File(path, "a") as file:
        weights = file["model_weights"]
        write_list(weights, "layer_names", ["dense", "twin"])
        twin = weights.create_group("twin")
        write_list(twin, "weight_names", ["dense/kernel:0"])
        twin["dense/kernel:0"] = KERNEL
    assert state(path)[1:-1] == slots("momentums", "velocities", of=[0, 1])


VARIABLES = [KERNEL, BIAS]
LISTS = [
    ("Adam", {}, [np.int64(3), *VARIABLES * 2, *[np.zeros(1, "f4")] * 2], "momentums velocities"),
    (
        "Adam",
        {"amsgrad": True},
        [np.int64(3), *VARIABLES * 3],
        "momentums velocities velocity_hats",
    ),
    ("Adam", {}, [np.int64(3), *VARIABLES * 2], "momentums velocities"),
    ("SGD", {"momentum": 0.9}, [np.int64(3), *VARIABLES], "momentums"),
    ("SGD", {"momentum": 0.0}, [np.int64(3), *VARIABLES], ""),
    ("RMSprop", {}, VARIABLES, "velocities"),
    ("Adagrad", {}, VARIABLES, "accumulators"),
    ("Adadelta", {}, VARIABLES * 2, "accumulated_grads accumulated_delta_vars"),
    ("Adamax", {}, [np.int64(3), *VARIABLES * 2], "m u"),
]


@pytest.mark.parametrize(("name", "config", "values", "attributes"), LISTS)
@pytest.mark.parametrize("title", ["param_{}", "training/Any/Variable_{}:0"])
def test_unnamed_state_goes_by_order(tmp_path, title, name, config, values, attributes):
    weights = {title.format(index): value for index, value in enumerate(values)}
    path = write_model(
        tmp_path / "m.h5", training=training(name, **config), optimizer=weights, version="2.2.4"
    )
    first = [ITERATIONS] if not np.shape(values[0]) else []
    assert state(path) == [*first, *slots(*attributes.split(), of=[0, 1]), RATE]


def test_values_go_with_their_slots(tmp_path):
    weights = legacy("Adam", "m", "v")
    weights["Adam/dense/bias/v:0"] = BIAS + 1
    backwards = dict(reversed(weights.items()))
    path = write_model(tmp_path / "m.h5", training=training("Adam"), optimizer=backwards)
    tensors = H5.read(path).tensors
    assert tensors["optimizer.velocities.dense.bias"].read().tolist() == (BIAS + 1).tolist()
    assert tensors["optimizer.momentums.dense.bias"].read().tolist() == BIAS.tolist()
    assert int(tensors["optimizer.iterations"].read()) == 3


def test_the_learning_rate_comes_out_of_the_config(tmp_path):
    weights = legacy("Adam", "m", "v")
    path = write_model(tmp_path / "m.h5", training=training("Adam"), optimizer=weights)
    rate = H5.read(path).tensors["optimizer.learning_rate"].read()
    assert (rate.shape, rate.dtype.name, float(rate)) == ((), "float32", 0.5)


def test_a_schedule_leaves_no_learning_rate(tmp_path):
    config = training("SGD", decay=0.01, momentum=0.9)
    path = write_model(tmp_path / "m.h5", training=config, optimizer=legacy("SGD", "momentum"))
    assert state(path) == [ITERATIONS, *slots("momentums")]


NADAM = (0.9 * (1 - 0.5 * 0.96 ** np.arange(1, 4))) ** [1, 2, 2]  # times two variables, one less
SLOW_NADAM = 0.9 * (1 - 0.5 * 0.96 ** (0.004 * np.arange(1, 4)))


@pytest.mark.parametrize(
    ("name", "weights", "product"),
    [
        ("Custom>Nadam", modern("Nadam/", "m", "v"), NADAM.prod()),
        ("Nadam", legacy("Nadam", "m", "v"), SLOW_NADAM.prod()),
        ("Nadam", legacy("Nadam", "m", "v") | {"Nadam/momentum_cache:0": np.float32(0.25)}, 0.25),
    ],
)
def test_the_momentum_schedule_of_nadam(tmp_path, name, weights, product):
    new = {"decay": 0.0, "use_ema": False} if ">" in name else {"decay": 0.004}
    config = training(name, beta_1=0.9, **new)
    path = write_model(tmp_path / "m.h5", training=config, optimizer=weights)
    checkpoint = H5.read(path)
    found = checkpoint.tensors["optimizer.u_product"].read()
    assert found == pytest.approx(product, rel=1e-6)
    note = "is not in the file: computed from the number of iterations"
    given = product == 0.25
    assert (Note("translated", "optimizer.u_product", note) in checkpoint.notes) is not given


def test_a_loss_scale_keeps_the_state_inside(tmp_path):
    inner = training("Custom>Adam", use_ema=False)["optimizer_config"]
    fields = {"dynamic": True, "initial_scale": 8.0, "dynamic_growth_steps": 3}
    config = training("LossScaleOptimizerV3")
    config["optimizer_config"]["config"] = {"inner_optimizer": inner, **fields}
    path = write_model(tmp_path / "m.h5", training=config, optimizer=modern("", "m", "v"))
    inside = ["iterations", "learning_rate"]
    kept = by_variable("inner_optimizer.momentums", "inner_optimizer.velocities")
    scalars = [Slot(f"inner_optimizer.{one}") for one in inside]
    assert state(path) == [scalars[0], *kept, scalars[1]]


LEFT_OUT = [
    (
        training("Mine"),
        legacy("Mine", "m", "v"),
        "the state of Mine is not known",
    ),
    (
        training("Adam"),
        {"Adam/iter:0": KERNEL} | legacy("Other", "m", "v"),
        "its iterations is no single number",
    ),
    (
        training("Adam"),
        legacy("Adam", "m", "v") | legacy("Other", "m", "v"),
        "it has 'optimizer.iterations' twice",
    ),
    (
        training("Adam"),
        {"param_0": np.int64(1), "param_1": KERNEL, "param_2": BIAS, "param_3": BIAS},
        "its slots are of other numbers or shapes than its class has",
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
        "it was saved before its first step, or under other settings",
    ),
    (
        None,
        legacy("Adam", "m", "v"),
        "the state of an optimizer without config is not known",
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
        Note(
            "dropped",
            f"optimizer.momentums.dense.{weight}",
            "Keras 3's SGD keeps no such slot here",
        )
        for weight in ("kernel", "bias")
    ]


def test_a_link_among_the_slots_is_refused(tmp_path):
    weights = legacy("Adam", "m", "v")
    path = write_model(tmp_path / "m.h5", training=training("Adam"), optimizer=weights)
    with h5py.File(path, "a") as file:
        del file["optimizer_weights/Adam/dense/bias/v:0"]
        file["optimizer_weights/Adam/dense/bias/v:0"] = h5py.ExternalLink("other.h5", "/x")
    with pytest.raises(UnsafeFileError, match="Adam/dense/bias/v:0' is an external link"):
        H5.read(path)


def test_the_state_of_a_keras_3_file_is_in_order_already(tmp_path):
    names = ["adam/iteration", "adam/learning_rate", "adam/dense_kernel_momentum"]
    weights = dict(zip(names, [np.int32(3), np.float32(0.5), KERNEL], strict=True))
    path = write_model(
        tmp_path / "m.h5", training=training("Adam"), optimizer=weights, version="3.15.1"
    )
    tensors = H5.read(path).of_kind(Kind.OPTIMIZER)
    assert {one.name: one.position for one in tensors.values()} == {
        f"optimizer.{name.replace('/', '.')}": Position("optimizer", index)
        for index, name in enumerate(names)
    }
