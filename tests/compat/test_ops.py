"""Calls of TensorFlow functions: the table, the translation, and the values on a backend."""

import numpy as np
import pytest

from kport.checkpoint import Checkpoint, Holds, ModelSpec, Naming
from kport.errors import InvalidSpecError, LoadError
from kport_compat.keras2 import translate
from kport_compat.ops import ADAPTERS, canonical
from kport_compat.ops._slice import as_index

ENTRY = {
    "class_name": "InputLayer",
    "config": {"name": "i", "batch_input_shape": [None, 2, 3], "dtype": "float32"},
    "name": "i",
    "inbound_nodes": [],
}


def call(name, function, *nodes, cls="TFOpLambda"):
    config = {"name": name, "trainable": True, "dtype": "float32", "function": function}
    return {"class_name": cls, "config": config, "name": name, "inbound_nodes": list(nodes)}


def model(*layers, out=None):
    last = out or layers[-1]["name"]
    config = {
        "name": "m",
        "layers": [ENTRY, *layers],
        "input_layers": [["i", 0, 0]],
        "output_layers": [[last, 0, 0]],
    }
    return {"class_name": "Functional", "config": config}


def history(layer):
    config = {"shape": [], "dtype": "float32", "keras_history": [layer, 0, 0]}
    return {"class_name": "__keras_tensor__", "config": config}


def test_the_table_needs_no_keras(run_python):
    code = "import sys, kport_compat.ops as o; print(len(o.ADAPTERS) > 100, 'keras' in sys.modules)"
    assert run_python(code).split() == ["True", "False"]


def test_symbols_of_tensorflow_1_are_found_under_their_own_names():
    assert canonical("compat.v1.pad") == "pad"
    assert canonical("tf.math.add") == "math.add"
    assert canonical("compat.v1.unheard_of") == "compat.v1.unheard_of"


def test_a_call_becomes_an_operation_with_tensors_in_its_arguments():
    node = ["i", 0, 0, {"y": ["i", 0, 0], "name": None}]
    layer = translate(model(call("a", "math.add", node))).config["config"]["layers"][1]
    assert layer["class_name"] == "TFOp"
    assert layer["registered_name"] == "kport>TFOp"
    assert layer["config"] == {"op": "math.add", "name": "a"}
    assert layer["inbound_nodes"] == [
        {"args": [history("i")], "kwargs": {"y": history("i"), "name": None}}
    ]


def test_a_constant_may_stand_in_front():
    node = ["_CONSTANT_VALUE", -1, 2.0, {"y": ["i", 0, 0]}]
    layer = translate(model(call("a", "math.subtract", node))).config["config"]["layers"][1]
    assert layer["inbound_nodes"] == [{"args": [2.0], "kwargs": {"y": history("i")}}]


def test_a_list_of_one_tensor_stays_a_list():
    layer = translate(model(call("a", "stack", [["i", 0, 0, {"axis": 1}]]))).config["config"]
    assert layer["layers"][1]["inbound_nodes"] == [
        {"args": [[history("i")]], "kwargs": {"axis": 1}}
    ]


def test_all_unknown_functions_are_named_at_once():
    layers = [
        call("a", "signal.fft", ["i", 0, 0, {}]),
        call("b", "raw.thing", ["a", 0, 0, {}]),
        call("c", "x", ["b", 0, 0, {}], cls="InstanceProperty"),
    ]
    layers[2]["config"] = {"name": "c", "attr_name": "flat_values"}
    with pytest.raises(InvalidSpecError) as caught:
        translate(model(*layers))
    assert [str(one) for one in caught.value.problems] == [
        "a: calls tf.signal.fft, for which kport has no counterpart in keras.ops",
        "b: calls tf.raw.thing, for which kport has no counterpart in keras.ops",
        "c: is a InstanceProperty (flat_values), which Keras 3 cannot do",
    ]


def test_an_added_metric_is_dropped_and_said():
    layer = {"class_name": "AddMetric", "config": {"name": "m1"}, "name": "m1"}
    layer["inbound_nodes"] = [[["i", 0, 0, {}]]]
    found = translate(model(layer))
    assert found.config["config"]["layers"][1]["config"] == {"op": "identity", "name": "m1"}
    assert [(one.outcome, one.name) for one in found.notes] == [("dropped", "m1")]


@pytest.mark.parametrize(
    ("spec", "index"),
    [
        (1, 1),
        ([{"class_name": "__ellipsis__"}, None], (..., None)),
        ([{"start": None, "stop": None, "step": -1}], (slice(None, None, -1),)),
    ],
)
def test_an_index_is_read_as_keras_2_wrote_it(spec, index):
    assert as_index(spec) == index


def build(*layers):
    import keras

    from kport_compat import ops

    ops.register()
    return keras.saving.deserialize_keras_object(translate(model(*layers)).config)


X = np.arange(12, dtype="f4").reshape(2, 2, 3) - 5

BAND = np.tril(np.ones((2, 3), "f4"))
VALUES = [
    ("math.add", {"y": [1, 2, 3]}, X + np.array([1, 2, 3])),
    ("math.floormod", {"y": 3.0}, np.mod(X, 3)),
    ("math.divide_no_nan", {"y": 0.0}, X * 0),
    ("math.reduce_sum", {"axis": [1, 2], "keepdims": True}, X.sum((1, 2), keepdims=True)),
    ("math.cumsum", {"axis": 1, "reverse": True}, X[:, ::-1].cumsum(1)[:, ::-1]),
    ("nn.leaky_relu", {}, np.where(X > 0, X, X * 0.2)),
    ("compat.v1.pad", {"paddings": [[0, 0], [1, 0], [0, 0]]}, np.pad(X, ((0, 0), (1, 0), (0, 0)))),
    ("linalg.band_part", {"num_lower": -1, "num_upper": 0}, X * BAND),
    ("clip_by_value", {"clip_value_min": -1, "clip_value_max": 2}, X.clip(-1, 2)),
    ("sort", {"direction": "DESCENDING"}, -np.sort(-X)),
    ("nn.bias_add", {"bias": [1, 0, 0]}, X + np.array([1, 0, 0])),
    ("transpose", {"perm": [0, 2, 1]}, X.transpose(0, 2, 1)),
    ("math.l2_normalize", {"axis": -1}, X / np.sqrt((X**2).sum(-1, keepdims=True))),
]


@pytest.mark.backend
@pytest.mark.parametrize(("function", "kwargs", "expected"), VALUES, ids=[v[0] for v in VALUES])
def test_values(function, kwargs, expected):
    import keras

    built = build(call("a", function, ["i", 0, 0, kwargs]))
    found = keras.ops.convert_to_numpy(built(X))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    assert built.output.shape[1:] == found.shape[1:]


@pytest.mark.backend
def test_a_shape_that_is_computed_is_known_where_it_can_be():
    import keras

    size = call("n", "__operators__.getitem", ["s", 0, 0, {"slice_spec": 0}], cls="SlicingOpLambda")
    layers = [
        call("s", "compat.v1.shape", ["i", 0, 0, {"out_type": "int32"}]),
        size,
        call("r", "reshape", ["i", 0, 0, {"shape": [["n", 0, 0], 6]}]),
    ]
    built = build(*layers)
    assert built.output.shape == (None, 6)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(built(X)), X.reshape(2, 6))
    np.testing.assert_array_equal(built.predict(X, verbose=0), X.reshape(2, 6))


@pytest.mark.backend
def test_an_axis_may_be_read_backwards():
    import keras

    spec = [{"class_name": "__ellipsis__"}, {"start": None, "stop": None, "step": -2}]
    node = ["i", 0, 0, {"slice_spec": spec}]
    built = build(call("a", "__operators__.getitem", node, cls="SlicingOpLambda"))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(built(X)), X[..., ::-2])


@pytest.mark.backend
def test_the_mean_of_integers_is_cut_off_as_tensorflow_does():
    import keras

    found = ADAPTERS["math.reduce_mean"](np.array([-1, -2, 0], "int32"))
    assert (int(found), keras.ops.dtype(found)) == (-1, "int32")


@pytest.mark.backend
def test_what_cannot_be_done_is_said_with_the_name_of_the_layer():
    layer = call("a", "repeat", ["i", 0, 0, {"repeats": [1, 2], "axis": None}])
    from kport.model import build as built

    checkpoint = Checkpoint(
        spec=ModelSpec(config=translate(model(layer)).config),
        tensors={},
        naming=Naming.POSITION,
        holds=Holds.DEFINITION,
    )
    from kport_compat import ops

    ops.register()
    with pytest.raises(LoadError) as caught:
        built(checkpoint)
    assert str(caught.value) == (
        "the layer 'a' calls tf.repeat: kport cannot do repeat of a list of times over all axes\n"
        "Replace this call where the model is made, and save it again."
    )
