"""Configs and weights of Keras 1; the golden files of 1.2.2 prove that the outputs are equal."""

import numpy as np
import pytest

from kport.checkpoint import Kind, LazyTensor, Position
from kport.errors import InvalidSpecError
from kport_compat.keras1 import arranged, modern, named_by_keras_1, speaks_keras_1
from kport_compat.keras2 import translate


def layer(cls, **config):
    return {"class_name": cls, "config": {"name": "one", **config}}


def problems(config, **shapes):
    return [str(one) for one in modern(config, shapes).problems]


def tensor(name, values, index=0):
    values = np.asarray(values, "f4")
    place = Position("one", index)
    return LazyTensor(name, values.shape, "float32", Kind.PARAMETER, lambda: values, position=place)


CONV = layer("Convolution2D", nb_filter=4, nb_row=3, nb_col=2, border_mode="same", init="zero")


def test_words_are_translated():
    old = layer(
        "Convolution2D",
        nb_filter=4,
        nb_row=3,
        nb_col=2,
        border_mode="same",
        subsample=[2, 1],
        dim_ordering="th",
        bias=False,
        init="uniform",
        W_regularizer={"name": "L1L2Regularizer", "l1": 0.0, "l2": 0.1},
        b_constraint={"name": "MaxNorm", "m": 2, "axis": 0},
        input_dim=None,
    )
    new = modern([old], {}).config["config"][0]
    assert new["class_name"] == "Conv2D"
    assert new["config"] == {
        "name": "one",
        "kernel_size": [3, 2],
        "filters": 4,
        "padding": "same",
        "strides": [2, 1],
        "data_format": "channels_first",
        "use_bias": False,
        "kernel_initializer": "random_uniform",
        "kernel_regularizer": {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.1}},
        "bias_constraint": {"class_name": "MaxNorm", "config": {"max_value": 2, "axis": 0}},
    }


def test_a_config_of_keras_2_is_none_of_keras_1():
    assert not speaks_keras_1([layer("Embedding", input_dim=4, output_dim=3)])
    assert not speaks_keras_1([layer("Dropout", rate=0.5)])
    assert speaks_keras_1([layer("Embedding", input_dim=4, output_dim=3, init="uniform")])


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (layer("Merge", mode="cos"), "one: Merge joins by 'cos', which is no layer of Keras 2"),
        (layer("SReLU", init="zero"), "one: SReLU is in no later Keras"),
        (
            layer("BatchNormalization", mode=2),
            "one: BatchNormalization normalizes by the batch or sample even at inference "
            "(mode 1 or 2)",
        ),
        (
            layer("UpSampling2D", size=[2, 2]),
            "one: UpSampling2D does not say whether channels are first or last",
        ),
    ],
)
def test_what_cannot_be_said_is_named(one, text):
    assert problems([one]) == [text]


def test_theano_pads_elsewhere():
    text = "one: Convolution2D was padded by Theano, at other places than any backend of today"
    assert problems([CONV], one_W=(3, 2, 3, 4)) == [text]
    assert problems([CONV], **{"one_W:0": (3, 2, 3, 4)}) == []


def test_the_error_names_keras_1():
    with pytest.raises(InvalidSpecError, match="the Keras 1 config cannot be translated") as caught:
        translate({"class_name": "Sequential", "config": [layer("Merge", mode="cos")]})
    assert "joins by 'cos'" in str(caught.value)


def test_gates_are_put_side_by_side():
    names = [f"one_{part}_{gate}:0" for gate in "icfo" for part in "WUb"]
    values = {
        name: np.full((2,) if "_b_" in name else (2, 2), place) for place, name in enumerate(names)
    }
    tensors = [tensor(name, values[name], index) for index, name in enumerate(names)]
    found, wrong = arranged(tensors, names, None)
    assert wrong == []
    assert [one.position.index for one in found] == [0, 1, 2]
    assert [one.shape for one in found] == [(2, 8), (2, 8), (8,)]
    order = [values[f"one_b_{gate}:0"][0] for gate in "ifco"]
    assert found[2].read()[::2].tolist() == order


def test_kernels_turn_around_as_theano_did():
    kernel = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)  # filters, inputs, rows, columns
    config = [layer("Convolution2D", dim_ordering="th", init="zero")]
    found, wrong = arranged([tensor("one_W", kernel)], ["one_W"], config)
    assert wrong == []
    assert np.array_equal(found[0].read(), kernel.transpose(2, 3, 1, 0)[::-1, ::-1])
    found, _ = arranged([tensor("one_W:0", kernel)], ["one_W:0"], config)
    assert np.array_equal(found[0].read(), kernel.transpose(2, 3, 1, 0))


def test_weights_alone_that_may_mean_two_things_are_refused():
    square = np.zeros((3, 3, 3, 3))
    _, wrong = arranged([tensor("one_W:0", square)], ["one_W:0"], None)
    assert str(wrong[0]).endswith("does not say in which order its axes stand")
    _, wrong = arranged([tensor("n_running_std:0", [1])], ["n_running_std:0"], None)
    assert "is a standard deviation in Keras 1.0.0 to 1.0.6 and a variance later" in str(wrong[0])


def test_names_tell_the_generation():
    assert named_by_keras_1(["dense_1_W:0", "dense_1_b:0"])
    assert not named_by_keras_1(["dense_1/kernel:0"])
    assert not named_by_keras_1([])
