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
STEPS = 3  # before the files of TRAINED in tests/golden/scripts were written


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


def _close(found, true, place):
    assert [one.shape for one in found] == [one.shape for one in true], place
    for one, other in zip(found, true, strict=True):
        assert np.isfinite(other).all(), place
        allowed = TOLERANCE * max(1.0, np.abs(other).max())
        assert np.abs(one - other).max() <= allowed, place


def _resume(model, golden, file):
    weights = model.get_weights()
    model.run_eagerly = True
    norms = [one for one in model.layers if isinstance(one, keras.layers.BatchNormalization)]
    before = [_averages(one) for one in norms]
    model.train_on_batch(golden.io["in0"], golden.io["target"])
    if golden.name.startswith(("keras_2.2.4/", "keras_2.3.1/")):
        for norm, old in zip(norms, before, strict=True):
            _average_as_before_tf_keras(norm, old, golden)
    found = _outputs(model, golden)
    dropped = [one for one in kport.report_of(model).dropped if one.startswith("optimizer")]
    known = [names for place, names in DROPPED if fnmatchcase(golden.name, place)]
    assert bool(dropped) == bool(known), dropped
    assert all(re.fullmatch(known[0], one) for one in dropped)
    if not golden.name.startswith("keras_1"):
        _close(found, [golden.io["resumed"]], f"{golden.name}/{file} after a step")
    model.set_weights(weights)


def _averages(norm):
    both = (norm.moving_mean, norm.moving_variance)
    return [keras.ops.convert_to_numpy(one).astype("f8") for one in both]


def _average_as_before_tf_keras(norm, before, golden):
    """Take the last step of the averages as Keras did that was no part of TensorFlow.

    The two changes of Keras since, neither of which a file can tell: it averaged the variance of a
    population (``keras/layers/normalization.py`` of 2.3.1), and until 2.2 it divided by what the
    averages had weighed since the first step (`moving_average_update`, zero_debias=True, of
    ``keras/backend/tensorflow_backend.py``), which no variable counts.
    """
    keep, size = norm.momentum, len(golden.io["in0"])
    steps = STEPS if golden.name.startswith("keras_2.2.") else np.inf
    factors = (1.0, size / (size - (1.0 + norm.epsilon)))
    after = []
    for old, new, factor in zip(before, _averages(norm), factors, strict=True):
        batch = factor * (new - keep * old) / (1 - keep)
        total = keep * old * (1 - keep**steps) + (1 - keep) * batch
        after.append(total / (1 - keep ** (steps + 1)))
    norm.moving_mean.assign(after[0])
    norm.moving_variance.assign(after[1])
