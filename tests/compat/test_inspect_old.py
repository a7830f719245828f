"""`kport inspect` on old files: what they hold and why they do not load, without a backend."""

import json

import h5py
import pytest
from goldens import unpacked

import kport

IMPORTED = """
import sys, kport
print(kport.inspect(sys.argv[1]).format)
heavy = {"tensorflow", "jax", "torch", "keras"}
print(sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
"""


def golden(name, file, folder):
    return unpacked(name, folder).folder / file


@pytest.mark.parametrize(
    ("name", "file", "form"),
    [
        ("keras_1.2.2/recurrent", "model.h5", "h5"),
        ("keras_2.2.4/lambdas", "model.h5", "h5"),
        ("tf_2.9/nested", "model.json", "json"),
        ("tf_2.15/attention", "model.keras", "keras2"),
        ("tf_2.6/nested", "savedmodel", "savedmodel"),
    ],
)
def test_no_backend_is_imported(run_python, tmp_path, name, file, form):
    path = golden(name, file, tmp_path)
    assert run_python(IMPORTED, path) == f"{form}\n[]\n"


def test_writer_layers_weights_and_inputs_are_told(tmp_path):
    found = kport.inspect(golden("tf_2.9/nested", "model.h5", tmp_path))
    assert found.provenance == {"source": "Keras H5", "keras": "2.9.0", "backend": "tensorflow"}
    one = {"shape": [None, 4], "dtype": "float32"}
    assert found.signature == [one, one]
    assert [line.name for line in found.layers if line.depth == 0] == [
        "left",
        "right",
        "shared",
        "stack",
        "add",
        "twice",
        "end",
    ]
    assert sum(total.count for total in found.totals) == 10
    assert found.obstacles == ()


def test_inputs_of_a_sequential_are_told(tmp_path):
    found = kport.inspect(golden("keras_2.2.4/custom", "model.h5", tmp_path))
    assert found.signature == {"shape": [None, 5], "dtype": "float32"}
    assert found.custom == ("Scaled",)


def test_what_kport_supplies_needs_no_registration(tmp_path):
    found = kport.inspect(golden("tf_2.9/lambdas", "model.h5", tmp_path))
    assert found.custom == ()


@pytest.mark.parametrize("file", ["model.h5", "model.json"])
def test_a_model_that_cannot_be_translated_is_shown_all_the_same(tmp_path, file):
    found = kport.inspect(golden("keras_1.2.2/merged_cos", file, tmp_path))
    assert [line.class_name for line in found.layers] == ["InputLayer", "InputLayer", "Merge"]
    assert found.obstacles == (
        "the Keras 1 config cannot be translated to Keras 3",
        "merge_1: Merge joins by 'cos', which is no layer of Keras 2",
    )


def test_lambda_code_is_an_obstacle_and_is_shown(tmp_path):
    path = golden("tf_2.9/lambdas", "model.h5", tmp_path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            if layer["config"]["name"] == "odd":
                layer["config"]["function"][2] = [1]  # a closure, which no rule knows
        file.attrs["model_config"] = json.dumps(config)
    (obstacle,) = kport.inspect(path).obstacles
    assert obstacle == (
        "a Lambda layer carries Python code, which is never run: "
        "lambda x: K.sqrt((x * x) + 0.5) * 3; it says its output is [3]; "
        "pass lambdas={'odd': function}"
    )
