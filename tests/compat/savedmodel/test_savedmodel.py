"""SavedModels that TensorFlow 2.3.4 and 2.15.1 wrote (tests/golden/scripts), read without it."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kport.checkpoint import Holds, Kind, Naming
from kport.errors import (
    CorruptFileError,
    KportError,
    PathNotFoundError,
    SaveError,
    UnreadableError,
)
from kport.formats import Format, WriteOptions
from kport_compat.savedmodel import SAVED_MODEL

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "tensorflow"
KERAS = ("keras_2.3", "keras_2.15")
WEIGHTS = {
    "first.kernel": ((3, 4), Kind.PARAMETER),
    "first.bias": ((4,), Kind.PARAMETER),
    "norm.gamma": ((4,), Kind.PARAMETER),
    "norm.beta": ((4,), Kind.PARAMETER),
    "norm.moving_mean": ((4,), Kind.STATE),
    "norm.moving_variance": ((4,), Kind.STATE),
    "last.kernel": ((4, 2), Kind.PARAMETER),
    "last.bias": ((2,), Kind.PARAMETER),
}


@pytest.fixture
def golden(tmp_path):
    """Copy a golden folder, to be changed."""
    return lambda name: Path(shutil.copytree(GOLDEN / name, tmp_path / name))


def refused(path, error):
    with pytest.raises(error) as caught:
        SAVED_MODEL.read(path)
    assert type(caught.value) is error
    assert str(path) in str(caught.value)
    return str(caught.value)


def words_of_refusal(path):
    """Return the text of kport's error, None where the model and its values can be read."""
    try:
        for tensor in SAVED_MODEL.read(path).tensors.values():
            tensor.read()
    except KportError as error:
        return str(error)
    return None


def test_it_is_a_format():
    assert isinstance(SAVED_MODEL, Format)


def test_it_knows_its_own(tmp_path):
    assert SAVED_MODEL.recognises(GOLDEN / "keras_2.3")
    assert SAVED_MODEL.recognises(GOLDEN / "keras_2.3" / "saved_model.pb")
    assert not SAVED_MODEL.recognises(tmp_path)
    assert not SAVED_MODEL.recognises(GOLDEN / "dtypes")


@pytest.mark.parametrize("name", KERAS)
def test_every_weight_has_its_place(name):
    checkpoint = SAVED_MODEL.read(GOLDEN / name)
    assert checkpoint.naming is Naming.WEIGHTS
    found = {name: (one.shape, one.kind) for name, one in checkpoint.tensors.items()}
    assert found == WEIGHTS


def test_it_says_who_wrote_it():
    known = {"source": "TensorFlow SavedModel", "backend": "tensorflow"}
    old, new = (SAVED_MODEL.read(GOLDEN / name).provenance for name in KERAS)
    assert old == known | {"keras": "2.4.0", "tensorflow": "2.3.4"}
    assert new == known | {"keras": "2.15.0", "tensorflow": "2.15.1"}


@pytest.mark.parametrize("name", KERAS)
def test_a_frozen_layer_stays_frozen(name):
    layers = SAVED_MODEL.read(GOLDEN / name).spec.config["config"]["layers"]
    flags = {one["config"]["name"]: one["config"].get("trainable") for one in layers[1:]}
    assert flags == {"first": False, "norm": True, "last": True}


@pytest.mark.backend
@pytest.mark.parametrize("name", KERAS)
def test_outputs_are_those_of_tensorflow(name):
    from kport.model import build

    model = build(SAVED_MODEL.read(GOLDEN / name))
    with np.load(GOLDEN / f"{name}.npz") as known:
        found = model.predict(known["inputs"], verbose=0)
        np.testing.assert_allclose(found, known["outputs"], rtol=1e-5, atol=1e-6)
    assert [layer.trainable for layer in model.layers] == [False, True, True]


def test_no_backend_is_imported(run_python):
    code = (
        "import sys, pathlib; from kport_compat.savedmodel import SAVED_MODEL;"
        "SAVED_MODEL.read(pathlib.Path(sys.argv[1]));"
        "print(sorted({'keras', 'tensorflow', 'jax', 'torch', 'google'} & set(sys.modules)))"
    )
    assert run_python(code, GOLDEN / "keras_2.15").strip() == "[]"


def test_a_model_without_keras_is_named_with_all_it_has():
    text = refused(GOLDEN / "module", UnreadableError)
    assert (
        "holds no Keras model: a tf.Module or a plain object, written by TensorFlow 2.3.4" in text
    )
    assert "signature 'serving_default': (x: float32[?, 2]) -> (scaled: float32[?, 2])" in text
    assert "variable 'scale': float32[2]" in text
    assert "keras.layers.TFSMLayer" in text


def test_missing_values_are_named(golden):
    path = golden("keras_2.3")
    shutil.rmtree(path / "variables")
    text = refused(path, PathNotFoundError)
    assert "is a SavedModel without its values: variables/variables.index is missing" in text


def test_missing_metadata_is_no_keras_model(golden):
    path = golden("keras_2.15")
    (path / "keras_metadata.pb").unlink()
    assert "written by TensorFlow 2.15.1" in refused(path, UnreadableError)


def test_a_pointer_of_git_lfs_is_named(golden):
    path = golden("keras_2.3")
    (path / "saved_model.pb").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    assert "is a Git LFS pointer" in refused(path, UnreadableError)


def test_protobuf_text_is_named(golden):
    path = golden("keras_2.3")
    (path / "saved_model.pb").rename(path / "saved_model.pbtxt")
    assert "is a SavedModel as protobuf text" in refused(path, UnreadableError)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (0, "holds no graph: it is empty or no SavedModel"),
        (1, "saved_model.pb: has no whole number of at most 64 bits"),
        (1000, "saved_model.pb: holds a protobuf field of"),
        (80_000, "field of 83071 bytes where 79994 are left"),
    ],
)
def test_a_cut_file_is_damaged(golden, length, words):
    path = golden("keras_2.3")
    file = path / "saved_model.pb"
    file.write_bytes(file.read_bytes()[:length])
    assert words in refused(path, CorruptFileError)


def test_a_layer_without_config_is_named(golden):
    path = golden("keras_2.3")
    file = path / "saved_model.pb"
    data = file.read_bytes()
    old = b'"config": {"name": "last", "trainable": true, "dtype": "float32"'
    new = b'"config": {"layer was saved without config": true, "a":'
    new += b'"' + b"a" * (len(old) - len(new) - 2) + b'"'
    assert data.count(old) >= 1
    file.write_bytes(data.replace(old, new))
    checkpoint = SAVED_MODEL.read(path)
    assert checkpoint.holds is Holds.WEIGHTS
    assert checkpoint.tensors.keys() == WEIGHTS.keys()
    (note,) = checkpoint.notes
    assert (note.outcome, note.name) == ("dropped", "last")
    assert "its class 'Dense' has no get_config" in note.detail
    config, variables, planned = map(str, checkpoint.about["Dense"])
    assert config == "Dense last: its config is not in the file: the class had no get_config"
    assert variables == "Dense last: its variables are bias float32[2], kernel float32[4, 2]"
    assert "kport does not run that yet" in planned


def test_nothing_is_written():
    checkpoint = SAVED_MODEL.read(GOLDEN / "keras_2.3")
    with pytest.raises(SaveError, match="reads this format and does not write it"):
        SAVED_MODEL.write(checkpoint, Path("nowhere"), WriteOptions())


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["saved_model.pb", "keras_metadata.pb"]),
    st.lists(st.tuples(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=6)), max_size=5),
)
def test_damage_gives_an_error_of_kport_or_a_checkpoint(tmp_path_factory, name, damages):
    path = tmp_path_factory.mktemp("damaged")
    shutil.copytree(GOLDEN / "keras_2.15", path, dirs_exist_ok=True)
    data = bytearray((path / name).read_bytes())
    for place, new in damages:
        start = place % len(data)
        data[start : start + len(new)] = new
    (path / name).write_bytes(data)
    text = words_of_refusal(path)
    assert text is None or str(path) in text
