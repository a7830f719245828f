"""Lambda layers: known expressions are computed, others wait for a function; code never runs."""

import base64
import json
import marshal
import os

import h5py
import numpy as np
import pytest

import kport
from kport.errors import UnsafeFileError, UsageError

pytestmark = pytest.mark.backend

K = None  # what the code of the tests calls by this name


def lambda_file(path, function, **config):
    """Write a whole model of Keras 2 with one Lambda layer."""
    code = base64.b64encode(marshal.dumps(function.__code__)).decode()
    inner = {
        "name": "odd",
        "trainable": True,
        "dtype": "float32",
        "batch_input_shape": [None, 3],
        "function": [code, None, None],
        "function_type": "lambda",
        "module": "writer",
        "output_shape": None,
        "output_shape_type": "raw",
        "output_shape_module": None,
        "arguments": {},
        **config,
    }
    layer = {"class_name": "Lambda", "config": inner}
    model = {"class_name": "Sequential", "config": {"name": "tiny", "layers": [layer]}}
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.4.0"
        file.attrs["backend"] = "tensorflow"
        file.attrs["model_config"] = json.dumps(model)
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = np.array([b"odd"])
        weights.create_group("odd").attrs["weight_names"] = np.array([], "S1")
    return path


def values(model):
    import keras

    return keras.ops.convert_to_numpy(model(np.array([[1, 2, 3]], "f4")))


def strange(x):
    os.environ["KPORT_TEST_RAN"] = "1"
    return x if K.ndim(x) == 2 else K.abs(x)


def test_an_expression_of_known_words_is_computed(tmp_path):
    model = kport.load(lambda_file(tmp_path / "a.h5", lambda x: K.sqrt(x * x) * 2 + x[:, :1]))
    assert values(model).tolist() == [[3, 5, 7]]
    (line,) = kport.report_of(model).translated
    assert line == "odd"


def test_what_was_computed_is_saved(tmp_path):
    model = kport.load(lambda_file(tmp_path / "a.h5", lambda x: x / 2.0))
    kport.save(model, tmp_path / "bundle")
    assert values(kport.load(tmp_path / "bundle")).tolist() == [[0.5, 1, 1.5]]


def test_arguments_of_the_layer_are_filled_in(tmp_path):
    path = lambda_file(tmp_path / "a.h5", lambda x, by: x * by, arguments={"by": 3.0})
    assert values(kport.load(path)).tolist() == [[3, 6, 9]]


def test_other_code_is_shown_and_not_run(tmp_path):
    path = lambda_file(tmp_path / "a.h5", strange, output_shape=[3])
    with pytest.raises(UnsafeFileError, match="carries Python bytecode, which is never") as caught:
        kport.load(path)
    text = str(caught.value)
    assert "def strange(x), names os, environ, K, ndim, abs, constants ['1', " in text
    assert "LOAD_GLOBAL K" in text
    assert "it says its output is [3]; pass lambdas={'odd': function}" in text
    assert "KPORT_TEST_RAN" not in os.environ


@pytest.mark.parametrize(
    "function",
    [
        lambda x: K.foo(x),
        lambda x: np.abs(x),
        lambda x: K.relu(x, alpha=0.1),
        lambda x, mask: x * 2.0,
        lambda x: x.sum(),
        lambda x: [x, x] * 2,
    ],
)
def test_a_word_that_no_rule_knows_is_not_guessed(tmp_path, function):
    with pytest.raises(UnsafeFileError, match="lambda x"):
        kport.load(lambda_file(tmp_path / "a.h5", function))


def test_the_caller_gives_a_function(tmp_path):
    path = lambda_file(tmp_path / "a.h5", strange)
    assert values(kport.load(path, lambdas={"odd": lambda x: x + 1})).tolist() == [[2, 3, 4]]


def test_a_registered_function_is_saved_with_the_model(tmp_path):
    path = lambda_file(tmp_path / "a.h5", strange)

    @kport.register("lambda_test")
    def twice(x):
        return x * 2

    model = kport.load(path, lambdas={"odd": twice})
    kport.save(model, tmp_path / "model.keras")
    assert values(kport.load(tmp_path / "model.keras")).tolist() == [[2, 4, 6]]
    kport.convert(path, tmp_path / "bundle", lambdas={"odd": twice})
    assert values(kport.load(tmp_path / "bundle")).tolist() == [[2, 4, 6]]


def test_a_function_that_is_not_registered_cannot_be_converted(tmp_path):
    path = lambda_file(tmp_path / "a.h5", strange)
    with pytest.raises(UsageError, match="function that has no name or is not registered"):
        kport.convert(path, tmp_path / "bundle", lambdas={"odd": lambda x: x})
    assert not (tmp_path / "bundle").exists()


def test_a_name_that_no_layer_has_is_told(tmp_path):
    path = lambda_file(tmp_path / "a.h5", strange)
    with pytest.raises(UsageError, match="the model has no Lambda layer 'add'") as caught:
        kport.load(path, lambdas={"add": abs})
    assert "Its Lambda layers are 'odd'." in str(caught.value)
    with pytest.raises(UsageError, match=r"lambdas\['odd'\] is a int, no function"):
        kport.load(path, lambdas={"odd": 3})


def test_an_archive_of_keras_3_is_treated_alike(tmp_path):
    import keras

    layer = keras.layers.Lambda(lambda x: x * 5, name="five")
    model = keras.Sequential([keras.Input((3,)), layer])
    path = tmp_path / "model.keras"
    model.save(path)
    with pytest.raises(UnsafeFileError, match=r"lambda x: x \* 5") as caught:
        kport.load(path)
    assert "its input is [null, 3]" in str(caught.value)
    loaded = kport.load(path, lambdas={"five": lambda x: x * 5})
    assert values(loaded).tolist() == [[5, 10, 15]]


def test_the_command_line_names_a_function_of_the_user(tmp_path, monkeypatch):
    from kport.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "lambda_mine.py").write_text(
        "import kport\n\n@kport.register('lambda_mine')\ndef half(x):\n    return x / 2\n"
    )
    lambda_file(tmp_path / "a.h5", strange)
    arguments = ["convert", "a.h5", "bundle", "--lambda", "odd=lambda_mine:half"]
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    assert values(kport.load("bundle")).tolist() == [[0.5, 1, 1.5]]
    with pytest.raises(SystemExit) as ended:
        main([*arguments[:-1], "odd"])
    assert ended.value.code == 2
