"""``kport convert --weights-only``: values of files whose models nobody can have back."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import kport
from kport import formats
from kport.checkpoint import Holds, Kind, Naming
from kport.cli import main
from kport.errors import CorruptFileError, LoadError, PathNotFoundError, UsageError
from kport_compat.tensorbundle import GRAPH_KEY, Bundle

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "tensorflow"
DIGITS = Path(__file__).resolve().parents[2] / "examples" / "legacy" / "digits.h5"
SOURCES = {
    "SavedModel of TensorFlow 2.3": (GOLDEN / "keras_2.3", 8),
    "SavedModel of TensorFlow 2.15": (GOLDEN / "keras_2.15", 8),
    "SavedModel without Keras": (GOLDEN / "module", 1),
    "checkpoint of objects": (GOLDEN / "objects_2.15", 34),
    "checkpoint of names": (GOLDEN / "saver_1.15" / "model.ckpt-1", 15),
    "slices in shards": (GOLDEN / "sharded_2.21", 2),
    "H5": (DIGITS, 15),
}


@pytest.mark.parametrize(("source", "count"), SOURCES.values(), ids=SOURCES)
def test_every_value_is_there_by_name(tmp_path, source, count):
    report = kport.convert(source, tmp_path / "weights", weights_only=True).report
    assert len(report.matched) == count
    before, after = formats.read_weights(source), formats.read(tmp_path / "weights")
    assert (after.holds, after.naming) == (Holds.WEIGHTS, Naming.OBJECTS)
    assert after.tensors.keys() == before.tensors.keys()
    for name, one in before.tensors.items():
        np.testing.assert_array_equal(after.tensors[name].read(), one.read())
    assert after.spec.ties == before.spec.ties


@pytest.mark.parametrize("name", ["keras_2.3", "keras_2.15", "module"])
def test_nothing_of_a_savedmodel_is_lost(tmp_path, name):
    kport.convert(GOLDEN / name, tmp_path / "weights", weights_only=True)
    bundle = Bundle(GOLDEN / name / "variables" / "variables.index")
    kept = [one.read().tobytes() for one in formats.read(tmp_path / "weights").tensors.values()]
    stored = [bundle.array(key).tobytes() for key in bundle.entries if key != GRAPH_KEY]
    assert sorted(kept) == sorted(stored)


def test_it_can_be_inspected_and_needs_no_backend(tmp_path, run_python):
    code = (
        "import sys, kport; kport.convert(sys.argv[1], sys.argv[2], weights_only=True);"
        "print(kport.inspect(sys.argv[2]).holds,"
        " sorted({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)))"
    )
    found = run_python(code, GOLDEN / "objects_2.15", tmp_path / "weights")
    assert found.strip() == "weights []"
    card = (tmp_path / "weights" / "README.md").read_text()
    assert "kport.load_weights(model" in card
    assert "kport.load(" not in card


def test_an_archive_cannot_hold_it(tmp_path):
    with pytest.raises(UsageError, match="holds a model, not weights alone") as caught:
        kport.convert(DIGITS, tmp_path / "x.keras", weights_only=True)
    assert "Give the name of a directory for a bundle." in str(caught.value)
    assert not (tmp_path / "x.keras").exists()


def test_missing_values_are_named(tmp_path):
    folder = Path(shutil.copytree(GOLDEN / "keras_2.3", tmp_path / "model"))
    shutil.rmtree(folder / "variables")
    with pytest.raises(PathNotFoundError, match="is a SavedModel without its values"):
        kport.convert(folder, tmp_path / "weights", weights_only=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"holds": "nothing"}, "expected one of model, weights"),
        ({"holds": 1}, "expected one of model, weights"),
        ({"holds": "model"}, "config: is empty; expected class_name and config of a model"),
    ],
)
def test_a_manifest_may_not_lie_about_it(tmp_path, change, words):
    kport.convert(GOLDEN / "module", tmp_path / "weights", weights_only=True)
    file = tmp_path / "weights" / "kport.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises((CorruptFileError, kport.errors.InvalidSpecError), match=words):
        formats.read(tmp_path / "weights")


@pytest.mark.backend
def test_it_loads_into_a_model_and_is_none(tmp_path):
    import keras

    names = ("first", "norm", "end")
    made = (keras.layers.Dense(4, "tanh"), keras.layers.BatchNormalization(), keras.layers.Dense(2))
    for layer, name in zip(made, names, strict=True):
        layer.name = name
    model = keras.Sequential([keras.Input((3,)), *made])
    path = tmp_path / "weights"
    kport.convert(GOLDEN / "keras_2.15", path, weights_only=True)
    with pytest.raises(LoadError) as caught:
        kport.load(path)
    assert "holds weights only and not the model they belong to" in str(caught.value)
    assert "use kport.load_weights(model, path)" in str(caught.value)
    rename = {"layer_with_weights-2.**": "end.**"}
    report = kport.load_weights(model, path, rename=rename)
    assert sorted(report.renamed) == ["end.bias", "end.kernel"]
    with np.load(GOLDEN / "keras_2.15.npz") as known:
        found = model.predict(known["inputs"], verbose=0)
        np.testing.assert_allclose(found, known["outputs"], rtol=1e-5, atol=1e-6)


@pytest.mark.backend
def test_a_savedmodel_s_values_load_into_a_model_of_code():
    import keras

    layers = [keras.layers.Dense(4, "tanh"), keras.layers.BatchNormalization()]
    model = keras.Sequential([keras.Input((3,)), *layers, keras.layers.Dense(2)])
    kport.load_weights(model, GOLDEN / "keras_2.3")
    with np.load(GOLDEN / "keras_2.3.npz") as known:
        found = model.predict(known["inputs"], verbose=0)
        np.testing.assert_allclose(found, known["outputs"], rtol=1e-5, atol=1e-6)


def test_kinds_are_kept(tmp_path):
    kport.convert(GOLDEN / "objects_2.15", tmp_path / "weights", weights_only=True)
    kinds = {one.kind for one in formats.read(tmp_path / "weights").tensors.values()}
    assert kinds == {Kind.PARAMETER, Kind.OPTIMIZER}
    assert (tmp_path / "weights" / "optimizer.safetensors").is_file()


def test_the_command(tmp_path, capsys):
    target = tmp_path / "weights"
    for more, there in ((["--dry-run"], False), ([], True)):
        with pytest.raises(SystemExit) as ended:
            main(["convert", str(GOLDEN / "module"), str(target), "--weights-only", *more])
        assert ended.value.code == 0
        assert target.exists() is there
    text = capsys.readouterr().out
    assert "1 tensors, 8 B" in text
    assert f"{target} (bundle): 1 matched" in text
