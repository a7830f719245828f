"""Safetensors files of other tools are weights by name."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

import kport
from kport import formats
from kport.checkpoint import Holds
from kport.errors import CorruptFileError, KportError, LoadError, UnsafeFileError
from kport_compat.tensor_files import TENSOR_FILES

KERNEL = np.arange(24, dtype="f4").reshape(6, 4)
BIAS = np.arange(4, dtype="f4")


def shard(folder, number, part, *starts, **more):
    """Write a part of ``kernel`` the way torch.distributed.checkpoint does."""
    info = {"kernel": {"saved_offsets": list(starts)}}
    metadata = {"format": "pt", "DCP_SHARDING_INFO": json.dumps(info)}
    folder.mkdir(exist_ok=True)
    name = f"shard-{number:05d}-model-00001-of-00001.safetensors"
    save_file({"kernel": np.ascontiguousarray(part), **more}, folder / name, metadata)


def read(path):
    assert formats.FORMATS.detect(path) is TENSOR_FILES
    found = formats.read(path)
    assert found.holds is Holds.WEIGHTS
    return {name: one.read() for name, one in found.tensors.items()}


def test_a_single_file_and_the_folder_it_is_in(tmp_path):
    save_file({"kernel": KERNEL, "bias": BIAS}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    for path in (tmp_path, tmp_path / "model.safetensors"):
        found = read(path)
        np.testing.assert_array_equal(found["kernel"], KERNEL)
        np.testing.assert_array_equal(found["bias"], BIAS)


def test_an_index_tells_the_files(tmp_path):
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    save_file({"kernel": KERNEL}, tmp_path / names[0])
    save_file({"bias": BIAS}, tmp_path / names[1])
    save_file({"old": BIAS}, tmp_path / "unused.safetensors")
    index = {"weight_map": {"kernel": names[0], "bias": names[1]}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert sorted(read(tmp_path)) == ["bias", "kernel"]
    (tmp_path / names[1]).unlink()
    with pytest.raises(CorruptFileError, match=r"model-00002-of-00002.safetensors.: is missing"):
        formats.read(tmp_path)
    index["weight_map"]["bias"] = "../bias.safetensors"
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(UnsafeFileError, match="leads out of the directory"):
        formats.read(tmp_path)


@pytest.mark.parametrize("axis", [0, 1])
def test_parts_are_put_together(axis, tmp_path):
    first, second = np.split(KERNEL, 2, axis)
    starts = (3, 0) if axis == 0 else (0, 2)
    shard(tmp_path / "sharded", 1, first, 0, 0)
    shard(tmp_path / "sharded", 2, second, *starts, bias=BIAS)
    for path in (tmp_path, tmp_path / "sharded"):
        np.testing.assert_array_equal(read(path)["kernel"], KERNEL)
    kernel = formats.read(tmp_path).tensors["kernel"]
    np.testing.assert_array_equal(kernel.read((slice(2, 5), slice(1, 3))), KERNEL[2:5, 1:3])


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ([(1, KERNEL[:3], 0, 0), (2, KERNEL[3:, :2], 3, 0)], "has parts missing"),
        ([(1, KERNEL[:3], 0, 0), (2, KERNEL[2:], 2, 0)], "has parts that overlap"),
        ([(1, KERNEL[:3], 0, 0), (2, BIAS, 3)], "has parts of several dtypes or ranks"),
        ([(1, KERNEL[:3], 0, 0), (3, KERNEL[3:], 3, 0)], r"has the shards \[1, 3\]"),
        ([(1, KERNEL[:3], 0), (2, KERNEL[3:], 3, 0)], "has 1 offsets, expected 2"),
    ],
)
def test_parts_that_make_up_no_tensor(parts, why, tmp_path):
    for one in parts:
        shard(tmp_path / "net", *one)
    with pytest.raises(CorruptFileError, match=why):
        formats.read(tmp_path / "net")


def test_it_holds_no_model(tmp_path):
    save_file({"kernel": KERNEL}, tmp_path / "model.safetensors")
    with pytest.raises(LoadError, match="holds weights only"):
        kport.load(tmp_path)


def test_a_bundle_with_a_damaged_manifest_is_not_taken_for_one(tmp_path):
    save_file({"kernel": KERNEL}, tmp_path / "model.safetensors")
    (tmp_path / "kport.json").write_text("{}")
    assert not TENSOR_FILES.recognises(tmp_path)
    with pytest.raises(KportError):
        formats.read(tmp_path)


@pytest.mark.backend
def test_weights_go_into_a_model_by_name(tmp_path):
    import keras

    save_file({"old.kernel": KERNEL, "old.bias": BIAS}, tmp_path / "model.safetensors")
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4, name="dense")])
    report = kport.load_weights(model, tmp_path, rename={"old.**": "dense.**"})
    assert {line.outcome for line in report.lines} == {"renamed"}
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model.weights[0]), KERNEL)
