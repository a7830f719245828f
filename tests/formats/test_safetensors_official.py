"""Both directions against the official package: its files by our reader, ours by its readers."""

import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest
import safetensors
from safetensors.numpy import load_file, save_file

from kport.checkpoint import numpy_dtype
from kport.formats.safetensors import TAGS, read_file, write_file

NUMPY = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
    "complex64",
]


def values_of(dtype):
    return np.arange(6).reshape(2, 3).astype("float32").astype(numpy_dtype(dtype))


def test_ours_by_the_official_numpy_reader(tmp_path, tensor):
    path = tmp_path / "ours.safetensors"
    write_file(path, [tensor(one, values_of(one)) for one in NUMPY], {"format": "np"})
    for name, found in load_file(path).items():
        np.testing.assert_array_equal(found, values_of(name), strict=True)
    with safetensors.safe_open(path, framework="numpy") as file:
        assert file.metadata() == {"format": "np"}
        assert set(file.keys()) == set(NUMPY)


def test_the_official_numpy_file_by_ours(tmp_path):
    path = tmp_path / "theirs.safetensors"
    save_file({one: values_of(one) for one in NUMPY}, path, {"k": "v", "l": "w"})
    file = read_file(path)
    assert file.metadata == {"k": "v", "l": "w"}
    assert set(file.entries) == set(NUMPY)
    for name in NUMPY:
        assert file.entries[name].dtype == name
        np.testing.assert_array_equal(file.source(name)(), values_of(name), strict=True)


TORCH = """
import sys
import torch
from safetensors.torch import load_file, save_file
dtypes = {"bfloat16": torch.bfloat16, "float8_e4m3fn": torch.float8_e4m3fn,
          "float8_e5m2": torch.float8_e5m2, "float32": torch.float32}
made = {name: torch.arange(6.).reshape(2, 3).to(one) for name, one in dtypes.items()}
made["scalar"] = torch.tensor(2.5, dtype=torch.bfloat16)
made["empty"] = torch.zeros((0, 3), dtype=torch.bfloat16)
found = load_file(sys.argv[1])
assert found.keys() == made.keys(), found.keys()
for name, one in made.items():
    assert found[name].dtype == one.dtype and found[name].shape == one.shape, name
    assert torch.equal(found[name].float(), one.float()), name
save_file(made, sys.argv[2], {"format": "pt"})
"""


def test_both_directions_with_torch(tmp_path, tensor):
    made = {one: values_of(one) for one in ("bfloat16", "float8_e4m3fn", "float8_e5m2", "float32")}
    made["scalar"] = np.asarray(2.5).astype(ml_dtypes.bfloat16)
    made["empty"] = np.zeros((0, 3), ml_dtypes.bfloat16)
    ours, theirs = tmp_path / "ours.safetensors", tmp_path / "theirs.safetensors"
    write_file(ours, [tensor(name, one) for name, one in made.items()], {"format": "pt"})
    done = subprocess.run(
        [sys.executable, "-c", TORCH, str(ours), str(theirs)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    file = read_file(theirs)
    assert file.metadata == {"format": "pt"}
    assert set(file.entries) == set(made)
    for name, one in made.items():
        found = file.source(name)()
        assert found.dtype == one.dtype
        np.testing.assert_array_equal(found.astype("f4"), one.astype("f4"), strict=True)


@pytest.mark.parametrize("dtype", sorted(TAGS))
def test_the_official_serializer_by_ours(dtype, tmp_path):
    values = values_of(dtype)
    spec = safetensors.TensorSpec(
        dtype=dtype, shape=[2, 3], data_ptr=values.ctypes.data, data_len=values.nbytes
    )
    data = safetensors.serialize({"x": spec})
    path = tmp_path / "x"
    path.write_bytes(data)
    found = read_file(path).source("x")()
    assert found.dtype == values.dtype
    assert found.tobytes() == values.tobytes()
