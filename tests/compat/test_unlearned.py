"""Layers that learn from data, out of files that do not hold what they learned."""

import json

import h5py
import numpy as np
import pytest

import kport
from kport.errors import LoadError

pytestmark = [
    pytest.mark.backend,
    # Keras's own lookup layers ask JAX for int64, which it does not have unless told to.
    pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64:UserWarning"),
]


def definition(folder, cls, dtype, *behind, **config):
    """Write what to_json() of Keras 2 writes of a layer behind an input; return the path."""
    layers = [
        {
            "class_name": "InputLayer",
            "config": {"name": "i", "batch_input_shape": [None, 2], "dtype": dtype},
        },
        {"class_name": cls, "config": {"name": "learns", **config}},
        *behind,
    ]
    config = {"name": "s", "layers": layers}
    path = folder / "model.json"
    path.write_text(
        json.dumps({"class_name": "Sequential", "config": config, "keras_version": "2.15.0"})
    )
    return path


def lookup(folder):
    return definition(folder, "IntegerLookup", "int64", vocabulary=None, num_oov_indices=1)


def bins(folder):
    return definition(folder, "Discretization", "float32", bin_boundaries=None, num_bins=3)


NUMBERS = np.array([[5, 7], [7, 9]])
CASES = [
    (lookup, NUMBERS, "vocabulary", "Call adapt or set_vocabulary of the layer"),
    (bins, NUMBERS.astype("f4"), "bin_boundaries", "Call adapt of the layer"),
]


@pytest.mark.parametrize(("write", "x", "what", "remedy"), CASES)
@pytest.mark.parametrize("way", ["__call__", "predict"])
def test_the_layer_says_what_it_lacks_when_it_is_called(tmp_path, write, x, what, remedy, way):
    model = kport.load(write(tmp_path))
    assert kport.report_of(model).supplied == (f"learns.{what}",)
    with pytest.raises(LoadError) as caught:
        getattr(model, way)(x)
    assert f"learns: has no {what}; the file has none" in str(caught.value)
    assert remedy in str(caught.value)


@pytest.mark.parametrize(("write", "x", "what", "remedy"), CASES)
def test_it_works_once_it_has_learned_and_is_saved_and_loaded(tmp_path, write, x, what, remedy):
    import keras

    model = kport.load(write(tmp_path))
    model.layers[0].adapt(x)
    found = keras.ops.convert_to_numpy(model(x))
    assert found.max() > 1
    assert "call" not in vars(model.layers[0])
    kport.save(model, tmp_path / "m.keras")
    again = kport.load(tmp_path / "m.keras")
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(again(x)), found)


def test_a_model_that_has_not_learned_is_saved_and_loaded(tmp_path):
    kport.save(kport.load(lookup(tmp_path)), tmp_path / "m.keras")
    with pytest.raises(LoadError, match="learns: has no vocabulary"):
        kport.load(tmp_path / "m.keras")(NUMBERS)


def test_bins_are_computed_from_a_file_of_weights(tmp_path):
    import keras

    model = kport.load(bins(tmp_path))
    with h5py.File(tmp_path / "x.weights.h5", "w") as file:
        file.create_group("vars")
        file["layers/discretization/vars/0"] = np.array([[1, 2, 3, 4, 5, 6], [1] * 6], "f4")
    report = kport.load_weights(model, tmp_path / "x.weights.h5")
    assert (len(report.matched), report.supplied) == (1, ())
    x = np.array([[0, 2.5], [5, 9]], "f4")
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model(x)), [[0, 1], [2, 2]])


def test_weights_without_a_vocabulary_are_said_to_be_so(tmp_path):
    model = kport.load(lookup(tmp_path))
    with h5py.File(tmp_path / "x.weights.h5", "w") as file:
        file.create_group("vars")
    assert kport.load_weights(model, tmp_path / "x.weights.h5").supplied == ("learns.vocabulary",)


def test_layers_behind_know_the_size_of_a_vocabulary_that_is_not_there(tmp_path):
    behind = {"class_name": "Dense", "config": {"name": "d", "units": 2}}
    config = {"vocabulary": None, "vocabulary_size": 4, "output_mode": "multi_hot"}
    model = kport.load(definition(tmp_path, "IntegerLookup", "int64", behind, **config))
    assert model.layers[1].kernel.shape == (4, 2)
    model.layers[0].set_vocabulary([5, 7, 9])
    assert model(NUMBERS).shape == (2, 2)
