"""What ``kport inspect`` says of a SavedModel or a checkpoint, whether it loads or not."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kport
from kport.cli import main
from kport.errors import KportError

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "tensorflow"


@pytest.fixture
def golden(tmp_path):
    """Copy a golden folder, to be changed."""
    return lambda name: Path(shutil.copytree(GOLDEN / name, tmp_path / name))


def test_a_model_of_keras_says_all_of_it():
    found = kport.inspect(GOLDEN / "keras_2.15")
    assert (found.model, found.holds, found.obstacles) == ("Sequential", "model", ())
    assert found.provenance["tensorflow"] == "2.15.1"
    assert [line.name for line in found.layers] == ["first_input", "first", "norm", "last"]
    (signature,) = found.signatures
    assert signature.name == "serving_default"
    assert signature.inputs == {"first_input": "float32[?, 3]"}
    assert signature.outputs == {"last": "float32[?, 2]"}
    assert found.operations["MatMul"] == 6
    assert len(found.tensors) == 8


def test_a_module_says_what_it_is_and_why_it_does_not_load():
    found = kport.inspect(GOLDEN / "module")
    assert found.holds == "weights"
    assert [(one.name, one.shape) for one in found.tensors] == [("scale", (2,))]
    assert found.signatures[0].inputs == {"x": "float32[?, 2]"}
    assert found.operations["Mul"] == 1
    (reason,) = found.obstacles
    assert (
        "holds no Keras model: a tf.Module or a plain object, written by TensorFlow 2.3.4" in reason
    )


def test_missing_values_are_an_obstacle_and_the_layers_are_told(golden):
    path = golden("keras_2.15")
    shutil.rmtree(path / "variables")
    found = kport.inspect(path)
    assert found.obstacles == (
        "is a SavedModel without its values: variables/variables.index is missing",
    )
    assert [line.class_name for line in found.layers][-3:] == [
        "Dense",
        "BatchNormalization",
        "Dense",
    ]
    assert found.tensors == ()


def test_a_layer_without_config_is_an_obstacle(golden):
    path = golden("keras_2.15")
    file = path / "keras_metadata.pb"
    data = file.read_bytes()
    old = b'"config": {"name": "last", "trainable": true, "dtype": "float32"'
    new = b'"config": {"layer was saved without config": true, "a": "'.ljust(len(old) - 1, b"a")
    assert old in data
    file.write_bytes(data.replace(old, new + b'"'))
    found = kport.inspect(path)
    assert found.holds == "weights"
    (reason,) = found.obstacles
    assert reason.startswith("last: its class 'Dense' has no get_config")
    assert found.custom == ()
    assert len(found.tensors) == 8


def test_the_command_shows_it(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["inspect", str(GOLDEN / "module")])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert "its weights only" in text
    assert "operations" in text
    assert "x: float32[?, 2]" in text
    assert "does not load: is a SavedModel that holds no Keras model" in text


def test_json_has_everything(capsys):
    with pytest.raises(SystemExit):
        main(["inspect", str(GOLDEN / "keras_2.3"), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["signatures"][0]["outputs"] == {"last": "float32[?, 2]"}
    assert found["operations"]["BiasAdd"] > 1
    assert found["obstacles"] == []


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("objects_2.15", {"parameter": 12, "optimizer": 22}),
        ("saver_1.15/model.ckpt-1", {"parameter": 4, "optimizer": 11}),
        ("sharded_2.21/ckpt", {"parameter": 2}),
    ],
)
def test_a_checkpoint_says_its_tensors(path, kinds):
    found = kport.inspect(GOLDEN / path)
    assert (found.format, found.holds, found.model) == ("tfcheckpoint", "weights", "")
    assert {one.kind: one.count for one in found.totals} == kinds


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["saved_model.pb", "keras_metadata.pb", "variables/variables.index"]),
    st.integers(0, 1 << 20),
    st.integers(0, 12),
    st.binary(max_size=12),
)
def test_damage_gives_an_error_of_kport_or_a_summary(tmp_path_factory, name, place, cut, new):
    path = tmp_path_factory.mktemp("damaged") / "model"
    shutil.copytree(GOLDEN / "keras_2.15", path)
    data = (path / name).read_bytes()
    at = place % len(data)
    (path / name).write_bytes(data[:at] + new + data[at + cut :])
    try:
        assert kport.inspect(path).format == "savedmodel"
    except KportError as error:
        assert str(path) in str(error)  # noqa: PT017  # most damages give none


def test_no_backend_is_imported(run_python):
    code = (
        "import sys, kport; kport.inspect(sys.argv[1]);"
        "print(sorted({'keras', 'tensorflow', 'jax', 'torch', 'google'} & set(sys.modules)))"
    )
    assert run_python(code, GOLDEN / "module").strip() == "[]"
