"""Calls that TensorFlow 2.0 to 2.3 recorded operation by operation (`TensorFlowOpLayer`)."""

import numpy as np
import pytest

from kport.errors import InvalidSpecError
from kport_compat.keras2 import translate
from kport_compat.ops import ADAPTERS, RAW

from .test_ops import X, build, history, model


def raw(name, op, *inputs, constants=None, **attr):
    """A layer as TensorFlow 2.3 writes it: JSON of a NodeDef, the name without its prefix."""
    node = {"name": name, "op": op, "input": ["a", "b"], "attr": attr}
    config = {"name": name, "trainable": True, "dtype": "float32", "node_def": node}
    config["constants"] = {str(key): one for key, one in (constants or {}).items()}
    full = f"tf_op_layer_{name}"
    nodes = [[[one, 0, 0, {}] for one in inputs]]
    return {
        "class_name": "TensorFlowOpLayer",
        "config": config,
        "name": full,
        "inbound_nodes": nodes,
    }


def test_every_operation_has_an_adapter():
    symbols = set()
    for call in RAW.values():
        symbols.add(call([[1], 1, 1, 1], {"num_split": 2})[0])
    assert symbols <= set(ADAPTERS)
    assert len(RAW) > 100


def test_constants_take_their_places_among_the_inputs():
    layer = raw("c", "ConcatV2", "i", "i", constants={2: -1}, N={"i": "2"})
    new = translate(model(layer)).config["config"]["layers"][1]
    assert new["config"] == {"op": "concat", "name": "tf_op_layer_c"}
    assert new["inbound_nodes"] == [{"args": [[history("i"), history("i")], -1], "kwargs": {}}]


def test_attributes_become_arguments():
    layer = raw("m", "Mean", "i", constants={1: [1]}, keep_dims={"b": True}, T={"type": "DT_FLOAT"})
    new = translate(model(layer)).config["config"]["layers"][1]
    assert new["inbound_nodes"] == [{"args": [history("i"), [1]], "kwargs": {"keepdims": True}}]


def test_an_operation_that_is_not_known_is_named():
    with pytest.raises(InvalidSpecError) as caught:
        translate(model(raw("f", "FFT", "i")))
    assert [str(one) for one in caught.value.problems] == [
        "f: is the operation FFT of TensorFlow, which kport does not know"
    ]


MASK = {"begin_mask": {"i": "3"}, "end_mask": {"i": "3"}, "shrink_axis_mask": {"i": "4"}}
VALUES = [
    (raw("a", "AddV2", "i", constants={1: 2.0}), X + 2),
    (raw("s", "Sub", "i", constants={0: 1.0}), 1 - X),
    (raw("m", "Mean", "i", constants={1: [1, 2]}, keep_dims={"b": False}), X.mean((1, 2))),
    (raw("c", "Cast", "i", DstT={"type": "DT_INT32"}), X.astype("int32")),
    (raw("t", "Transpose", "i", constants={1: [0, 2, 1]}), X.transpose(0, 2, 1)),
    (
        raw("g", "StridedSlice", "i", constants={1: [0, 0, 1], 2: [0, 0, 2], 3: [1, 1, 1]}, **MASK),
        X[:, :, 1],
    ),
    (raw("p", "Pack", "i", "i", axis={"i": "1"}), np.stack([X, X], 1)),
    (raw("b", "BatchMatMulV2", "i", "i", adj_y={"b": True}), X @ X.transpose(0, 2, 1)),
    (raw("q", "Squeeze", "i", squeeze_dims={"list": {}}), X),
    (raw("r", "Relu", "i"), X.clip(0)),
]


@pytest.mark.backend
@pytest.mark.parametrize(("layer", "expected"), VALUES, ids=[one["name"] for one, _ in VALUES])
def test_values(layer, expected):
    import keras

    found = build(layer)(X)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found), expected, rtol=1e-6)
