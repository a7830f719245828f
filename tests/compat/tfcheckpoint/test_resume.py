"""Training goes on from a TensorFlow checkpoint as the old Keras went on."""

import keras
import numpy as np
import pytest
from goldens import unpacked

import kport

pytestmark = pytest.mark.backend

CHECKPOINT = "savedmodel/variables/variables"  # the checkpoint that is in every SavedModel
CASES = ("tf_2.3/trained", "tf_2.9/trained", "tf_2.15/trained")


def compiled(golden):
    """Return the model, compiled as it was, with all that the checkpoint has set to zero."""
    model = kport.load(golden.folder / "model.h5")
    model.run_eagerly = True
    for variable in [*model.variables, *model.optimizer.variables]:
        if "learning_rate" not in variable.path and "seed" not in variable.path:
            variable.assign(np.zeros(variable.shape, variable.dtype))
    return model


@pytest.mark.parametrize("name", CASES)
def test_one_more_step_gives_the_outputs_of_the_old_keras(name, tmp_path):
    golden = unpacked(name, tmp_path)
    model = compiled(golden)
    kport.load_weights(model, golden.folder / CHECKPOINT)
    assert int(model.optimizer.iterations) > 0
    model.train_on_batch(golden.io["in0"], golden.io["target"])
    found = keras.ops.convert_to_numpy(model(golden.io["in0"]))
    np.testing.assert_allclose(found, golden.io["resumed"], rtol=1e-5, atol=1e-5)


def test_the_state_is_left_alone_where_asked_and_where_the_optimizer_is_another(tmp_path):
    golden = unpacked("tf_2.15/trained", tmp_path)
    model = compiled(golden)
    kport.load_weights(model, golden.folder / CHECKPOINT, optimizer=False)
    assert not any(np.any(keras.ops.convert_to_numpy(one)) for one in slots(model))
    model.compile("adagrad", "mse")
    report = kport.load_weights(model, golden.folder / CHECKPOINT)
    [line] = [one for one in report.lines if one.name == "optimizer"]
    assert (line.outcome, line.detail) == (
        "dropped",
        "its weight 'Adam/m/dense/kernel' is of no known slot; training starts with fresh slots",
    )


def slots(model):
    return [one for one in model.optimizer.variables if len(one.shape) > 0]
