"""Models of Keras's OrbaxCheckpoint callback are built, and go on with their training."""

import os

import numpy as np
import pytest

import kport
from kport.errors import MismatchError

pytestmark = pytest.mark.backend


def outputs_of(model, x):
    import keras

    return keras.ops.convert_to_numpy(model(x, training=False))


@pytest.mark.parametrize("name", ["whole", "torch"])
def test_a_model_computes_what_it_did(name, golden, made):
    model = kport.load(golden / name)
    with np.load(golden / f"{name}.npz") as expected:
        outputs = outputs_of(model, expected["x"])
        np.testing.assert_allclose(outputs, expected["outputs"], atol=1e-5)
    assert model.get_layer("words").words == "one\ntwo"
    assert int(model.optimizer.iterations) == (4 if name == "whole" else 2)
    said = kport.report_of(model)
    assert {line.name.partition(".")[0] for line in said.lines if line.outcome == "dropped"} == {
        "metrics_variables"
    }


def test_a_model_that_has_no_state(golden):
    model = kport.load(golden / "stateless")
    with np.load(golden / "stateless.npz") as expected:
        np.testing.assert_allclose(outputs_of(model, expected["x"]), expected["outputs"], atol=1e-5)


def test_training_goes_on(golden, made):
    model = kport.load(golden / "whole")
    import keras

    jax = os.environ["KERAS_BACKEND"] == "jax"
    keras.utils.set_random_seed(1)  # PyTorch's dropout heeds no seed generator of Keras
    model.jit_compile = jax  # the file says True, as Keras resolves "auto" on JAX
    with np.load(golden / "whole.npz") as expected:
        for batch in (slice(8), slice(8, 16)):
            model.train_on_batch(expected["x"][batch], expected["y"][batch])
        outputs, before = outputs_of(model, expected["x"]), expected["outputs"]
        later = expected["later"]
        # A bias before BatchNormalization has a gradient of rounding errors alone. Adam makes whole
        # steps of 1e-3 of them, by which all outputs move alike: on every processor otherwise.
        assert abs(outputs.mean() - later.mean()) < (2e-3 if jax else 2e-2)
        # Other backends drop out other units.
        np.testing.assert_allclose(
            outputs - outputs.mean(), later - later.mean(), atol=1e-6 if jax else 2e-2
        )
        assert np.abs(outputs - before).max() > 1e-4


@pytest.mark.parametrize("numbers_begin_at", [0, 7])
def test_weights_find_the_layers_whatever_their_numbers(numbers_begin_at, golden, made):
    import keras

    keras.backend.clear_session()
    for _ in range(numbers_begin_at):
        keras.layers.Dense(1), made.Block(1)
    model = made.make()
    report = kport.load_weights(model, golden / "weights")
    assert not [line for line in report.lines if line.outcome == "supplied"]
    with np.load(golden / "weights.npz") as expected:
        outputs = outputs_of(model, expected["x"])
        np.testing.assert_allclose(outputs, expected["outputs"], atol=1e-5)


def two_blocks(made, first, second):
    import keras

    class Two(keras.Model):
        def __init__(self):
            super().__init__()
            self.first = made.Block(4, name=first)
            self.second = [made.Block(4, name=second)]

        def build(self, shape):
            self.first.build(shape)
            self.second[0].build(shape)

        def call(self, inputs):
            return self.second[0](self.first(inputs))

    model = Two()
    model.build((None, 4))
    return model


def test_numbers_alone_pair_nothing(golden, made):
    """The first dense of one block would be taken for the second dense of the other."""
    model = two_blocks(made, "block", "block")
    report = kport.load_weights(model, golden / "weights", strict=False)
    assert not [line for line in report.lines if line.outcome == "matched"]
    with pytest.raises(MismatchError, match="is in the file and not in the model"):
        kport.load_weights(model, golden / "weights")


def test_a_path_that_fits_two_variables_is_an_error(golden, made):
    model = two_blocks(made, "block", "block")
    for layer in (model.first, model.second[0]):
        layer.inner.name, layer.outer.name = "dense_1", "dense_2"
    with pytest.raises(
        MismatchError, match=r"fits first\.inner.*, second\.0\.inner.*, by its path"
    ):
        kport.load_weights(model, golden / "weights", strict=False)
