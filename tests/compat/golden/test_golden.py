"""Every file that a pinned old Keras wrote gives its true outputs, or is refused by name.

The files are made by tests/golden/scripts/remake.sh. How they are read depends on no backend, so
PyTorch, which builds models fastest, loads all of them, and the others those of three versions.
A case is loaded from each whole-model file; each file of weights alone is put into that model
with its weights set to zero before.
"""

import re
from fnmatch import fnmatchcase
from functools import partial

import keras
import numpy as np
import pytest
from goldens import WEIGHTS, WHOLE, custom_objects, names, unpacked

import kport
from kport.errors import (
    InvalidSpecError,
    KportError,
    MissingComponentError,
    UnreadableError,
)

pytestmark = [
    pytest.mark.backend,
    # Keras's own lookup layers ask JAX for int64, which it does not have unless told to.
    pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64:UserWarning"),
]

# VERSION/CASE/FILE, the error, and words of it; nothing else may be refused.
REFUSED = [
    ("keras_1*/gone/model.*", MissingComponentError, "class 'Highway' is not registered"),
    ("keras_1*/gone/model.*", MissingComponentError, "class 'MaxoutDense' is not registered"),
    ("keras_1*/merged_cos/model.*", InvalidSpecError, "joins by 'cos', which is no layer of"),
    # Weights alone of Keras 1 do not say what kind of variance, or order of axes, they have.
    ("keras_1*/trained/weights.h5", UnreadableError, "a variance later, and a file of weights"),
    ("keras_1*/convolution*/weights.h5", KportError, ""),
]
TOLERANCE = 1e-5
# VERSION/CASE and what of its optimizer's state is dropped; of any other nothing is.
DROPPED = [
    # The weights are put into another form, and their slots are not; training starts fresh.
    ("keras_1*/trained", r"optimizer\.(iterations|learning_rate|momentums\.\d|velocities\.\d)"),
    ("keras_1*/trained_sgd", "optimizer"),
    # Variables of one zero, which keep the place of what amsgrad would have.
    ("keras_2.[23].*/trained", r"optimizer\.velocity_hats\.\d"),
]
# How far one more step may be off: BatchNormalization of Keras 2.2 divides its averages by what a
# count gives that no file has (`moving_average_update` of keras/backend/tensorflow_backend.py,
# zero_debias), that of 2.3 corrects its variance by the size of the batch.
OFF = {"keras_2.2.4/trained": 0.04, "keras_2.3.1/trained": 1e-4}


def expected(name, file):
    place = f"{name}/{file}"
    return [one for one in REFUSED if fnmatchcase(place, one[0])]


@pytest.fixture(scope="module")
def customs():
    return custom_objects()


ON_EACH_BACKEND = ("keras_1.2.2/", "keras_2.2.4/", "tf_2.15/")
CHOSEN = [
    name
    for name in names()
    if keras.backend.backend() == "torch" or name.startswith(ON_EACH_BACKEND)
]


@pytest.mark.parametrize("name", CHOSEN)
def test_golden(name, tmp_path, customs):
    golden = unpacked(name, tmp_path)
    found = None
    for file in golden.files((*WHOLE, "model.json")):
        model = _loaded(golden, file, customs)
        if model is None:
            continue
        if file == "model.json":
            found = found or model
            continue
        _compare(model, golden, file)
        if "resumed" in golden.io:
            _resume(model, golden, file)
        found = found or model
    if found is None and name.endswith("/subclassed"):
        found = customs["Tower"]()
        _outputs(found, golden)
    for file in golden.files(WEIGHTS) if found is not None else ():
        _weights(found, golden, file)


def _loaded(golden, file, customs):
    refused = expected(golden.name, file)
    if not refused:
        return kport.load(golden.folder / file, custom_objects=customs)
    with pytest.raises(refused[0][1]) as caught:
        kport.load(golden.folder / file, custom_objects=customs)
    for _, _, words in refused:
        assert words in str(caught.value)
    return None


def _weights(model, golden, file):
    refused = expected(golden.name, file)
    path = golden.folder / file
    before = [np.zeros_like(one) for one in model.get_weights()]
    model.set_weights(before)
    if not refused:
        kport.load_weights(model, path)
        _compare(model, golden, file)
        return
    with pytest.raises(refused[0][1]) as caught:
        kport.load_weights(model, path)
    assert refused[0][2] in str(caught.value)
    assert all(not one.any() for one in model.get_weights())


def _outputs(model, golden):
    inputs = golden.arrays("in")
    call = partial(model, training=False)
    if golden.name.endswith("/convolution_first") and keras.backend.backend() == "tensorflow":
        import tensorflow

        # Its own kernels for a CPU have no such convolution, those that XLA makes do.
        call = tensorflow.function(call, jit_compile=True)
    found = call(inputs if len(inputs) > 1 else inputs[0])
    return [keras.ops.convert_to_numpy(one) for one in keras.tree.flatten(found)]


def _compare(model, golden, file):
    _close(_outputs(model, golden), golden.arrays("out"), f"{golden.name}/{file}")


def _close(found, true, place, tolerance=TOLERANCE):
    assert [one.shape for one in found] == [one.shape for one in true], place
    for one, other in zip(found, true, strict=True):
        assert np.isfinite(other).all(), place
        allowed = tolerance * max(1.0, np.abs(other).max())
        assert np.abs(one - other).max() <= allowed, place


def _resume(model, golden, file):
    weights = model.get_weights()
    model.run_eagerly = True
    model.train_on_batch(golden.io["in0"], golden.io["target"])
    found = _outputs(model, golden)
    dropped = [one for one in kport.report_of(model).dropped if one.startswith("optimizer")]
    known = [names for place, names in DROPPED if fnmatchcase(golden.name, place)]
    assert bool(dropped) == bool(known), dropped
    assert all(re.fullmatch(known[0], one) for one in dropped)
    if not golden.name.startswith("keras_1"):
        place, tolerance = f"{golden.name}/{file} after a step", OFF.get(golden.name, TOLERANCE)
        _close(found, [golden.io["resumed"]], place, tolerance)
    model.set_weights(weights)
