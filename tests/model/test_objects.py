"""A live model walked along the object paths of a file; the files here are made of arrays."""

import time
from functools import partial

import keras
import numpy as np
import pytest

from kport.checkpoint import Checkpoint, Holds, Kind, LazyTensor, ModelSpec, Naming
from kport.errors import MismatchError
from kport.model import load_into

pytestmark = pytest.mark.backend


def file(values, names=None, ties=None):
    """Return a Checkpoint of path -> array; `names` are those of the variables."""
    tensors = {}
    for path, value in values.items():
        value = np.asarray(value, "float32")
        source = partial(np.asarray, value)
        name = (names or {}).get(path)
        tensors[path] = LazyTensor(path, value.shape, "float32", Kind.PARAMETER, source, name)
    spec = ModelSpec({}, ties=ties or {})
    return Checkpoint(spec, tensors, Naming.OBJECTS, holds=Holds.WEIGHTS)


def dense(number, *, prefix="layer_with_weights-", value=None):
    """Return the two weights of a Dense(2) over two inputs, all equal to one number."""
    value = number if value is None else value
    path = f"{prefix}{number}"
    return {f"{path}.kernel": np.full((2, 2), value), f"{path}.bias": np.full(2, value)}


def chain(*names):
    """Return a Sequential model of Dense layers that are all alike."""
    layers = [keras.layers.Dense(2, name=name) for name in names]
    return keras.Sequential([keras.Input((2,)), *layers])


def biases(model):
    return {layer.name: float(layer.get_weights()[1][0]) for layer in model.layers}


def named(*layers):
    """Return the names of variables for layers in the order of the file."""
    return {
        f"layer_with_weights-{number}.{part}": f"{layer}/{part}"
        for number, layer in enumerate(layers)
        for part in ("kernel", "bias")
    }


FILES = {
    "no names": (("a", "b"), None, {"a": 0, "b": 1}),
    "the same names": (("a", "b"), ("a", "b"), {"a": 0, "b": 1}),
    "names in another order": (("a", "b"), ("b", "a"), {"a": 1, "b": 0}),
    "other names": (("a", "b"), ("c", "d"), {"a": 0, "b": 1}),
    "one name of two": (("a", "b", "c"), ("x", "a", "y"), {"a": 1, "b": 0, "c": 2}),
    "numbers that Keras gave": (("dense_3", "dense_4"), ("dense_4", "dense_5"), None),
}


@pytest.mark.parametrize(("ours", "theirs", "expected"), FILES.values(), ids=FILES)
def test_which_of_layers_that_are_alike(ours, theirs, expected):
    model = chain(*ours)
    values = {}
    for number in range(len(ours)):
        values |= dense(number)
    load_into(model, file(values, named(*theirs) if theirs else None))
    assert biases(model) == (expected or dict(zip(ours, range(len(ours)), strict=True)))


@pytest.mark.parametrize("strict", [True, False])
def test_numbers_of_keras_in_another_order_are_a_question(strict):
    model = chain("dense", "dense_1")
    before = biases(model)
    found = file(dense(0, value=5) | dense(1, value=6), named("dense_1", "dense"))
    with pytest.raises(MismatchError) as caught:
        load_into(model, found, strict=strict)
    text = "layer_with_weights-0: is 'dense' by order, 'dense_1' by name, and fits both"
    assert text in str(caught.value)
    assert "say which by rename=" in str(caught.value)
    assert biases(model) == before
    rename = {
        "layer_with_weights-0.*": "dense.*",
        "layer_with_weights-1.*": "dense_1.*",
    }
    load_into(model, found, rename=rename)
    assert biases(model) == {"dense": 5, "dense_1": 6}


def test_layers_without_values_do_not_count():
    model = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dropout(0.5), keras.layers.Dense(2, name="a")]
    )
    load_into(model, file(dense(1, prefix="layer-")))
    assert biases(keras.Sequential([keras.Input((2,)), model.layers[1]])) == {"a": 1}


def test_the_first_layers_of_a_longer_file():
    model = chain("a", "b")
    found = file(dense(0) | dense(1) | dense(2))
    with pytest.raises(MismatchError, match=r"layer_with_weights-2.bias: .* not in the model"):
        load_into(model, found)
    report = load_into(model, found, strict=False)
    assert biases(model) == {"a": 0, "b": 1}
    assert sorted(report.dropped) == ["layer_with_weights-2.bias", "layer_with_weights-2.kernel"]


def test_a_value_of_two_paths_goes_to_both_places():
    model = chain("a", "b")
    ties = {"layer_with_weights-1": "layer_with_weights-0"}
    load_into(model, file(dense(0, value=7), ties=ties))
    assert biases(model) == {"a": 7, "b": 7}


def test_two_values_for_one_variable_are_a_problem():
    layer = keras.layers.Dense(2)
    model = keras.Sequential([keras.Input((2,)), layer])
    model.second = layer
    found = file(dense(0) | {"second.bias": np.ones(2)})
    with pytest.raises(MismatchError, match=r"goes to the variable .* as well"):
        load_into(model, found, strict=False)


def test_bins_that_a_layer_learned_are_no_variable():
    taught = keras.layers.Discretization(num_bins=4)
    taught.update_state(np.arange(50, dtype="float32"))
    taught.finalize_state()  # what adapt() does, without TensorFlow
    fresh = keras.layers.Discretization(num_bins=4, output_mode="one_hot")
    model = keras.Sequential([keras.Input((1,)), fresh, keras.layers.Dense(2)])
    values = {
        "layer_with_weights-0.summary": taught.summary,
        "layer_with_weights-1.kernel": np.ones((4, 2)),
        "layer_with_weights-1.bias": np.zeros(2),
    }
    load_into(model, file(values))
    np.testing.assert_array_equal(fresh.bin_boundaries, taught.bin_boundaries)
    assert float(np.ravel(model.layers[1].get_weights()[0])[0]) == 1


def test_a_container_is_walked_by_index_and_key():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.rows = [[keras.layers.Dense(2)], {"x": keras.layers.Dense(2)}]

        def call(self, x):
            return self.rows[1]["x"](self.rows[0][0](x))

    model = Net()
    model(np.zeros((1, 2), "float32"))
    values = {
        f"net.rows.{path}.{part}": np.full(shape, number)
        for number, path in enumerate(("0.0", "1.x"))
        for part, shape in (("kernel", (2, 2)), ("bias", (2,)))
    }
    report = load_into(model, file(values | {"step": 3}))
    assert float(model.rows[1]["x"].get_weights()[1][0]) == 1
    assert report.dropped == ("step",)
    (line,) = [one for one in report.lines if one.name == "step"]
    assert line.detail == "belongs to another object of the checkpoint"


def test_a_file_of_many_objects_takes_little_time():
    """Without care it is a walk of the model for every object and of the file for every layer."""
    model = chain(*(f"layer_{number}" for number in range(30)))
    wide = {f"other{number}.layer-0.bias": np.zeros(2) for number in range(3000)}
    knot = [f"layer-{number}" for number in range(60)]
    ties = {f"{one}.{two}": two for one in knot for two in knot}
    values = wide | {f"{one}.kernel": np.zeros((2, 2)) for one in knot}
    start = time.process_time()
    with pytest.raises(MismatchError):
        load_into(model, file(values, ties=ties))
    assert time.process_time() - start < 10  # it takes about one second
