import json
import sys

import h5py
import numpy as np
import pytest

from kport import formats
from kport.checkpoint import Holds, Kind, Naming, Note, Position
from kport.errors import (
    CorruptFileError,
    InvalidSpecError,
    SaveError,
    UnreadableError,
)
from kport_compat.h5 import H5

from .conftest import BIAS, CONFIG, DENSE, KERNEL, write_list, write_model


def test_the_format_object_is_one_of_kports():
    assert isinstance(H5, formats.Format)
    assert (H5.name, H5.title, H5.writes) == ("h5", "Keras H5 (Keras 1/2)", False)


def test_reads_the_model_of_an_old_tensorflow(digits):
    checkpoint = H5.read(digits)
    assert checkpoint.naming is Naming.POSITION
    assert checkpoint.provenance == {
        "source": "Keras H5",
        "keras": "2.4.0",
        "backend": "tensorflow",
    }
    assert checkpoint.spec.config["class_name"] == "Functional"
    weights = checkpoint.of_kind(Kind.PARAMETER, Kind.STATE)
    assert len(weights) == 15
    kernel = weights["stem.conv2d.kernel"]
    assert (kernel.shape, kernel.dtype) == ((3, 3, 1, 12), "float32")
    assert kernel.position == Position("stem", 0)
    assert sorted(checkpoint.of_kind(Kind.STATE)) == [
        "stem.batch_normalization.moving_mean",
        "stem.batch_normalization.moving_variance",
    ]
    assert Note("translated", "leaky_re_lu", "alpha is negative_slope in Keras 3") in (
        checkpoint.notes
    )


def test_every_value_equals_what_h5py_reads(digits):
    tensors = H5.read(digits).of_kind(Kind.PARAMETER, Kind.STATE)
    with h5py.File(digits) as file:
        for layer in file["model_weights"].attrs["layer_names"]:
            group = file["model_weights"][layer]
            for index, name in enumerate(group.attrs["weight_names"]):
                position = Position(layer.decode(), index)
                tensor = next(one for one in tensors.values() if one.position == position)
                np.testing.assert_array_equal(tensor.read(), group[name][()])


def test_contiguous_weights_are_mapped_and_not_read(model_file):
    kernel = H5.read(model_file).tensors["dense.kernel"].read()
    assert not kernel.flags.owndata
    assert not kernel.flags.writeable
    np.testing.assert_array_equal(kernel, KERNEL)


def test_reading_imports_no_keras(run_python, digits):
    code = (
        "import sys; from pathlib import Path; from kport_compat.h5 import H5\n"
        f"H5.read(Path({str(digits)!r}))\n"
        "print([m for m in ('keras', 'tensorflow', 'jax', 'torch') if m in sys.modules])"
    )
    assert run_python(code).strip() == "[]"


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ({"chunks": (2, 2), "compression": "gzip"}, KERNEL),
        ({"chunks": (3, 2), "shuffle": True, "fletcher32": True}, KERNEL),
        ({"chunks": (3, 2), "compression": "lzf"}, KERNEL),
        ({}, KERNEL.astype(">f4")),
        ({}, KERNEL.astype("<f2")),
        ({}, KERNEL.astype("<f8")),
        ({}, KERNEL.astype(">i8")),
        ({}, KERNEL > 2),
        ({}, KERNEL[:0]),
        ({}, KERNEL[0, 0]),
    ],
    ids=["gzip", "shuffle", "lzf", "big", "half", "double", "int64", "bool", "empty", "scalar"],
)
def test_every_storage_gives_the_values(model_file, options, values):
    with h5py.File(model_file, "a") as file:
        layer = file["model_weights/dense"]
        del layer["dense/kernel:0"]
        layer.create_dataset("dense/kernel:0", data=values, **options)
    tensor = H5.read(model_file).tensors["dense.kernel"]
    found = tensor.read()
    assert tensor.dtype == values.dtype.name
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, values)


def test_names_split_over_several_attributes_are_joined(model_file):
    with h5py.File(model_file, "a") as file:
        layer = file["model_weights/dense"]
        del layer.attrs["weight_names"]
        write_list(layer, "weight_names0", ["dense/kernel:0"])
        write_list(layer, "weight_names1", ["dense/bias:0"])
        del file["model_weights"].attrs["layer_names"]
        write_list(file["model_weights"], "layer_names0", ["dense"])
    assert list(H5.read(model_file).tensors) == ["dense.kernel", "dense.bias"]


def test_names_of_variable_length_are_read(model_file):
    with h5py.File(model_file, "a") as file:
        layer = file["model_weights/dense"]
        layer.attrs["weight_names"] = ["dense/kernel:0", "dense/bias:0"]  # what h5py 3 writes
    assert list(H5.read(model_file).tensors) == ["dense.kernel", "dense.bias"]


def test_a_layer_with_a_slash_gets_the_name_that_keras_3_allows(model_file):
    layer = {"class_name": "Dense", "config": {**DENSE["config"], "name": "block/dense"}}
    with h5py.File(model_file, "a") as file:
        config = {"class_name": "Sequential", "config": {"name": "tiny", "layers": [layer]}}
        file.attrs["model_config"] = json.dumps(config)
        weights = file["model_weights"]
        write_list(weights, "layer_names", ["block/dense"])
        weights.move("dense", "block/dense")
        write_list(weights["block/dense"], "weight_names", ["block/dense/kernel:0"])
        weights["block/dense/block/dense/kernel:0"] = KERNEL
    tensor = H5.read(model_file).tensors["block_dense.kernel"]
    assert tensor.position == Position("block_dense", 0)


def test_the_version_may_stand_beside_the_weights_alone(model_file):
    with h5py.File(model_file, "a") as file:
        del file.attrs["keras_version"]
        file["model_weights"].attrs["keras_version"] = "2.2.4-tf"
    assert H5.read(model_file).provenance["keras"] == "2.2.4-tf"


def test_recognises_by_the_bytes_and_not_by_the_name(tmp_path, model_file):
    other = tmp_path / "model.keras"
    model_file.rename(other)
    assert H5.recognises(other)
    (tmp_path / "text.h5").write_text("no HDF5 at all")
    assert not H5.recognises(tmp_path / "text.h5")
    assert not H5.recognises(tmp_path)
    assert not H5.recognises(tmp_path / "absent.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["data"] = KERNEL
    assert not H5.recognises(tmp_path / "other.h5")


def test_a_file_behind_a_user_block_is_read(tmp_path, model_file):
    blocked = tmp_path / "blocked.h5"
    with h5py.File(blocked, "w", userblock_size=512) as target, h5py.File(model_file) as source:
        for key, value in source.attrs.items():
            target.attrs[key] = value
        source.copy("model_weights", target)
    assert H5.recognises(blocked)
    np.testing.assert_array_equal(H5.read(blocked).tensors["dense.bias"].read(), BIAS)


def test_weights_only_are_read_without_a_model(tmp_path):
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        write_list(file, "layer_names", ["a/b", "empty"])
        for name, weights in (("a/b", ["a/b/kernel:0"]), ("empty", [])):
            group = file.create_group(name)
            write_list(group, "weight_names", weights)
        file["a/b/a/b/kernel:0"] = KERNEL
    assert H5.recognises(path)
    found = H5.read(path)
    assert found.holds is Holds.WEIGHTS
    assert not found.spec.config
    (tensor,) = found.tensors.values()
    assert tensor.position == Position("a_b", 0)
    np.testing.assert_array_equal(tensor.read(), KERNEL)


def test_kport_writes_no_h5(tmp_path, model_file):
    with pytest.raises(SaveError, match="reads this format and does not write it"):
        H5.write(H5.read(model_file), tmp_path / "x.h5", formats.WriteOptions())


def test_a_truncated_file_is_recognised_and_says_so(model_file):
    data = model_file.read_bytes()
    model_file.write_bytes(data[: len(data) // 2])
    assert H5.recognises(model_file)
    with pytest.raises(CorruptFileError, match="is truncated: 5720 bytes are there of 11440"):
        H5.read(model_file)


def test_a_file_that_shrinks_after_it_was_opened_is_noticed(model_file):
    kernel = H5.read(model_file).tensors["dense.kernel"]
    model_file.write_bytes(b"")
    with pytest.raises(CorruptFileError, match="was changed after it was opened"):
        kernel.read()


def test_a_config_that_is_no_json(model_file):
    with h5py.File(model_file, "a") as file:
        file.attrs["model_config"] = "{broken"
    with pytest.raises(CorruptFileError, match="attribute 'model_config' is not valid JSON"):
        H5.read(model_file)


def test_a_config_that_is_no_object(model_file):
    with h5py.File(model_file, "a") as file:
        file.attrs["model_config"] = '"Sequential"'
    with pytest.raises(CorruptFileError, match="attribute 'model_config' is JSON of a str"):
        H5.read(model_file)


def test_a_config_that_repeats_a_key(model_file):
    with h5py.File(model_file, "a") as file:
        file.attrs["model_config"] = '{"class_name": "A", "class_name": "B", "config": {}}'
    with pytest.raises(CorruptFileError, match="holds the key 'class_name' twice"):
        H5.read(model_file)


def test_a_config_nested_without_end(model_file):
    with h5py.File(model_file, "a") as file:
        file.attrs["model_config"] = "[" * 20_000 + "]" * 20_000
    with pytest.raises(CorruptFileError, match="attribute 'model_config' is not valid JSON"):
        H5.read(model_file)


def test_models_nested_without_end(model_file):
    config = CONFIG
    for _ in range(sys.getrecursionlimit() // 4):
        config = {"class_name": "Sequential", "config": {"name": "s", "layers": [config]}}
    with h5py.File(model_file, "a") as file:
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(CorruptFileError, match="cannot be read: maximum recursion depth"):
        H5.read(model_file)


def test_a_config_that_is_no_model(model_file):
    with h5py.File(model_file, "a") as file:
        file.attrs["model_config"] = "{}"
    with pytest.raises(InvalidSpecError, match="model_config: has no class_name and config"):
        H5.read(model_file)


def test_a_listed_weight_that_is_not_there_and_one_that_is_text(model_file):
    with h5py.File(model_file, "a") as file:
        layer = file["model_weights/dense"]
        write_list(layer, "weight_names", ["dense/kernel:0", "dense/absent:0", "dense/text:0"])
        layer["dense/text:0"] = "words"
    with pytest.raises(UnreadableError) as caught:
        H5.read(model_file)
    assert str(caught.value) == (
        f"{model_file}: has weights that cannot be read\n"
        "  - model_weights/dense/dense/absent:0: names 'dense/absent:0' in "
        "'/model_weights/dense' and does not hold it\n"
        "  - model_weights/dense/dense/text:0: holds text, expected numbers"
    )


def test_a_listed_layer_that_is_not_there(model_file):
    with h5py.File(model_file, "a") as file:
        write_list(file["model_weights"], "layer_names", ["absent"])
    with pytest.raises(CorruptFileError, match="names 'absent' in '/model_weights' and does not"):
        H5.read(model_file)


def test_two_weights_of_one_readable_name_stay_apart(model_file):
    with h5py.File(model_file, "a") as file:
        layer = file["model_weights/dense"]
        names = ["dense/kernel:0", "dense/kernel:1", "kernel", "kernel_1"]
        for name in names[1:]:
            layer[name] = BIAS
        write_list(layer, "weight_names", names)
    tensors = H5.read(model_file).tensors
    assert list(tensors) == [
        "dense.kernel",
        "dense.kernel_1",
        "dense.kernel_2",
        "dense.kernel_1_1",
    ]


def test_a_weight_listed_twice(model_file):
    with h5py.File(model_file, "a") as file:
        layer = file["model_weights/dense"]
        write_list(layer, "weight_names", ["dense/kernel:0", "dense/kernel:0"])
    with pytest.raises(CorruptFileError, match="'dense' lists 'dense/kernel:0' more than once"):
        H5.read(model_file)


def test_names_that_are_numbers(model_file):
    with h5py.File(model_file, "a") as file:
        file["model_weights/dense"].attrs["weight_names"] = np.arange(3)
    with pytest.raises(CorruptFileError, match="'weight_names' holds numbers, expected text"):
        H5.read(model_file)


def test_no_names_at_all(model_file):
    with h5py.File(model_file, "a") as file:
        del file["model_weights/dense"].attrs["weight_names"]
    with pytest.raises(CorruptFileError, match="'/model_weights/dense' has no attribute"):
        H5.read(model_file)


def test_a_missing_group_of_weights(model_file):
    with h5py.File(model_file, "a") as file:
        del file["model_weights"]
    with pytest.raises(CorruptFileError, match="names 'model_weights' in '/' and does not hold"):
        H5.read(model_file)


SUMMARY = np.array([[1, 2, 3, 4], [1, 1, 1, 1]], "f4")


def test_the_summary_of_discretization_gives_its_boundaries(model_file):
    discretization = {"class_name": "Discretization", "config": {"name": "d", "num_bins": 4}}
    write_model(
        model_file,
        config={"class_name": "Sequential", "config": {"layers": [DENSE, discretization]}},
    )
    with h5py.File(model_file, "a") as file:
        write_list(file["model_weights"], "layer_names", ["dense", "d"])
        layer = file["model_weights"].create_group("d")
        write_list(layer, "weight_names", ["d/summary:0"])
        layer["d/summary:0"] = SUMMARY
    checkpoint = H5.read(model_file)
    config = checkpoint.spec.config["config"]["layers"][-1]["config"]
    # Four bins of as many values each: what Keras 2.12 computes from this summary.
    assert config == {"name": "d", "bin_boundaries": [1.0, 2.0, 3.0]}
    assert "d.summary" not in checkpoint.tensors
    assert checkpoint.notes[-1] == Note(
        "dropped", "d.summary", "Keras 3's layer has no such weight and computes without it"
    )


def test_a_summary_that_is_none_is_refused(model_file):
    discretization = {"class_name": "Discretization", "config": {"name": "d", "num_bins": 10**9}}
    write_model(
        model_file,
        config={"class_name": "Sequential", "config": {"layers": [DENSE, discretization]}},
    )
    with h5py.File(model_file, "a") as file:
        write_list(file["model_weights"], "layer_names", ["dense", "d"])
        layer = file["model_weights"].create_group("d")
        write_list(layer, "weight_names", ["d/summary:0"])
        layer["d/summary:0"] = SUMMARY
    with pytest.raises(CorruptFileError, match="expected \\[2, values\\], and num_bins 1000000000"):
        H5.read(model_file)
