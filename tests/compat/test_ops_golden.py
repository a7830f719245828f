"""Every adapter against what TensorFlow 2.15.1 gave (``tests/golden/scripts``)."""

import json
from pathlib import Path

import numpy as np
import pytest

from kport_compat.ops import ADAPTERS, canonical

GOLDEN = json.loads(Path(__file__, "../../golden/keras2/functions.json").resolve().read_text())
CALLS = GOLDEN["calls"]


def array(held):
    return np.array(held["values"], held["dtype"]).reshape(held["shape"])


INPUTS = {name: array(held) for name, held in GOLDEN["inputs"].items()}


def name_of(call):
    said = ",".join(f"{key}={value}" for key, value in call["kwargs"].items())
    return f"{call['function']}({','.join(call['inputs'])};{said})"


def test_the_golden_file_covers_most_of_the_table():
    tested = {ADAPTERS[canonical(call["function"])] for call in CALLS}
    assert GOLDEN["tensorflow"] == "2.15.1"
    assert len(tested) > 120


@pytest.mark.backend
@pytest.mark.parametrize("call", CALLS, ids=name_of)
def test_values_and_dtypes_are_those_of_tensorflow(call):
    import keras

    adapter = ADAPTERS[canonical(call["function"])]
    given = [keras.ops.convert_to_tensor(INPUTS[name]) for name in call["inputs"]]
    found = adapter(*given, **call["kwargs"])
    parts = list(found) if isinstance(found, list | tuple) else [found]
    for part, held in zip(parts, call["results"], strict=True):
        values = keras.ops.convert_to_numpy(part)
        np.testing.assert_allclose(values, array(held), rtol=2e-5, atol=2e-5)
        assert values.dtype.kind == np.dtype(held["dtype"]).kind


@pytest.mark.backend
@pytest.mark.parametrize("call", CALLS, ids=name_of)
def test_a_graph_knows_the_shapes_beforehand(call):
    import keras

    from kport_compat.ops._operation import TFOp

    given = [
        keras.KerasTensor(one.shape if name == "kernel" else (None, *one.shape[1:]), one.dtype.name)
        for name, one in ((name, INPUTS[name]) for name in call["inputs"])
    ]
    found = TFOp(canonical(call["function"]))(*given, **call["kwargs"])
    parts = list(found) if isinstance(found, list | tuple) else [found]
    for part, held in zip(parts, call["results"], strict=True):
        assert len(part.shape) == len(held["shape"])
        assert all(a in (None, b) for a, b in zip(part.shape, held["shape"], strict=True))
