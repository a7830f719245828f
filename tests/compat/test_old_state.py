"""Where the state of old optimizers goes in a live model, and what is said of the rest."""

import json

import h5py
import numpy as np
import pytest

from kport_compat.training import training_of

from .conftest import BIAS, DENSE, KERNEL, adam, write_list, write_model

pytestmark = pytest.mark.backend

SECOND = {"class_name": "Dense", "config": {"name": "second", "units": 2}}
SQUARE = np.eye(2, dtype="f4")
SHAPES = {"dense": (KERNEL, BIAS), "second": (SQUARE, BIAS)}


def write(path, state, frozen=(), training=None, version="2.4.0"):
    """Write a model of two layers with the state of an Adam."""
    layers = [json.loads(json.dumps(one)) for one in (DENSE, SECOND)]
    for one in layers:
        one["config"]["trainable"] = one["config"]["name"] not in frozen
    config = {"class_name": "Sequential", "config": {"name": "two", "layers": layers}}
    training = training or adam()
    write_model(path, config=config, training=training, optimizer=state, version=version)
    with h5py.File(path, "a") as file:
        weights = file["model_weights"]
        write_list(weights, "layer_names", ["dense", "second"])
        layer = weights.create_group("second")
        write_list(layer, "weight_names", ["second/kernel:0", "second/bias:0"])
        layer["second/kernel:0"], layer["second/bias:0"] = SHAPES["second"]
    return path


def state(*layers, named=True):
    """The state of an Adam that trained some layers; each slot holds numbers of its own."""
    variables = [
        (f"{layer}/{name}", value)
        for layer in layers
        for name, value in zip(("kernel", "bias"), SHAPES[layer], strict=True)
    ]
    found = {"Adam/iter:0": np.int64(3)}
    for place, token in enumerate("mv"):
        for number, (variable, value) in enumerate(variables):
            found[f"Adam/{variable}/{token}:0"] = np.full_like(value, 10 * place + number)
    return found if named else {f"param_{at}": one for at, one in enumerate(found.values())}


def slots(model):
    """Name of each live slot -> the number it was written with."""
    from kport.model._walk import walk

    return {
        name.removeprefix("optimizer."): float(np.asarray(to_numpy(one)).flat[0])
        for name, one in walk(model).variables.items()
        if name.startswith(("optimizer.momentums", "optimizer.velocities"))
    }


def to_numpy(variable):
    import keras

    return keras.ops.convert_to_numpy(variable)


def load(path):
    import kport

    model = kport.load(path)
    return model, kport.report_of(model)


BOTH = {
    "momentums.dense.kernel": 0,
    "momentums.dense.bias": 1,
    "momentums.second.kernel": 2,
    "momentums.second.bias": 3,
    "velocities.dense.kernel": 10,
    "velocities.dense.bias": 11,
    "velocities.second.kernel": 12,
    "velocities.second.bias": 13,
}
AFTER_FREEZING = {name: one for name, one in BOTH.items() if "second" in name}
ONE = {name: one - 2 for name, one in AFTER_FREEZING.items()}
THAWED = {**dict.fromkeys(BOTH, 0), **ONE}

CASES = [
    pytest.param(state("dense", "second"), (), BOTH, [], id="all trained"),
    pytest.param(state("second"), ["dense"], ONE, [], id="frozen before training"),
    pytest.param(
        state("dense", "second"),
        ["dense"],
        AFTER_FREEZING,
        ["belongs to a variable that this model does not train"] * 4,
        id="frozen after training",
    ),
    pytest.param(state("second"), (), THAWED, [], id="thawed after training"),
    pytest.param(state("dense", "second", named=False), (), BOTH, [], id="all trained, no names"),
    pytest.param(state("second", named=False), ["dense"], ONE, [], id="frozen, no names"),
    pytest.param(
        state("dense", "second", named=False),
        ["dense"],
        AFTER_FREEZING,
        ["belongs to a variable that this model does not train"] * 4,
        id="frozen after training, no names",
    ),
    pytest.param(
        state("second", named=False),
        (),
        dict.fromkeys(BOTH, 0),
        ["it fits no variables that this model trains; training starts with fresh slots"] * 6,
        id="thawed after training, no names",
    ),
]


@pytest.mark.parametrize(("values", "frozen", "found", "dropped"), CASES)
def test_slots_go_to_the_variables_they_belong_to(tmp_path, values, frozen, found, dropped):
    model, report = load(write(tmp_path / "m.h5", values, frozen))
    assert slots(model) == found
    lines = [one for one in report.lines if one.outcome == "dropped"]
    assert [one.detail for one in lines] == dropped
    fresh = any("fresh" in one for one in dropped)
    assert int(to_numpy(model.optimizer.iterations)) == (0 if fresh else 3)


def test_slots_of_another_shape_are_left_out_together(tmp_path):
    values = state("dense", "second")
    values["Adam/dense/bias/v:0"] = np.zeros(5, "f4")
    model, report = load(write(tmp_path / "m.h5", values))
    assert set(slots(model).values()) == {0}
    assert int(to_numpy(model.optimizer.iterations)) == 0
    assert "optimizer.velocities.dense.kernel" in report.dropped


def test_a_count_may_be_a_float(tmp_path):
    values = {**state("dense", "second"), "Adam/iter:0": np.float32(3)}
    model, _ = load(write(tmp_path / "m.h5", values))
    assert (slots(model), int(to_numpy(model.optimizer.iterations))) == (BOTH, 3)
    values["Adam/iter:0"] = np.float32("nan")
    model, report = load(write(tmp_path / "n.h5", values))
    text = "its iteration counter is nan; training starts with fresh slots"
    assert [one.detail for one in report.lines if one.name == "optimizer"] == [text]


def test_an_untrained_optimizer_trains_like_a_fresh_one(tmp_path):
    import keras

    x, y = np.ones((2, 3), "f4"), np.zeros((2, 2), "f4")
    model, report = load(write(tmp_path / "m.h5", {"Adam/iter:0": np.int64(0)}))
    fresh = keras.models.clone_model(model)
    fresh.set_weights(model.get_weights())
    fresh.compile(keras.optimizers.Adam(0.5), "mse")
    for one in (model, fresh):
        one.train_on_batch(x, y)
    for ours, theirs in zip(model.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert report.dropped == ("optimizer",)


def test_without_compiling_the_state_is_left_out(tmp_path):
    import kport

    path = write(tmp_path / "m.h5", state("dense", "second"))
    model = kport.load(path, compile=False)
    assert getattr(model, "optimizer", None) is None
    assert "optimizer.momentums.dense.bias" in kport.report_of(model).dropped


CLIPS = [
    ("2.2.4", {"global_clipnorm": 0.5}),
    ("2.3.1", {"global_clipnorm": 0.5}),
    ("1.2.2", {"global_clipnorm": 0.5}),
    ("2.2.4-tf", {"clipnorm": 0.5}),
    ("2.4.0", {"clipnorm": 0.5}),
    (None, {"clipnorm": 0.5}),
]


@pytest.mark.parametrize(("version", "config"), CLIPS)
def test_keras_before_tf_keras_clipped_all_gradients_together(version, config):
    node = {"class_name": "SGD", "config": {"clipnorm": 0.5}}
    found = training_of({"optimizer_config": node, "loss": "mse"}, version)
    assert found == {"optimizer_config": {"class_name": "SGD", "config": config}, "loss": "mse"}
    assert training_of(None, version) is None


def test_names_that_are_not_unique_leave_fresh_slots(tmp_path):
    path = write(tmp_path / "m.h5", state("dense", "second"))
    with h5py.File(path, "a") as file:
        write_list(file["optimizer_weights"], "weight_names", ["Adam/iter:0"] * 2)
    _, report = load(path)
    text = "its weights share names; training starts with fresh slots"
    assert [one.detail for one in report.lines if one.name == "optimizer"] == [text]
