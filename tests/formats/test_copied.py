"""A tensor that is wanted whole is copied out of its file, which nobody maps for that."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from kport import formats
from kport.checkpoint import ByteSource
from kport.errors import CorruptFileError
from kport.formats._mapped import MappedFile


@pytest.fixture(params=["bundle", "model.keras"])
def saved(request, full, tmp_path):
    formats.write(full, tmp_path / request.param)
    return tmp_path / request.param


def test_the_copy_is_what_the_map_shows(saved, monkeypatch):
    tensors = formats.read(saved).tensors
    expected = {name: one.read() for name, one in tensors.items()}
    monkeypatch.setattr(MappedFile, "view", lambda *_: pytest.fail("it was mapped"))
    copied = {name for name, one in tensors.items() if isinstance(one.source, ByteSource)}
    assert len(copied) >= 5
    for name in copied:
        target = np.empty_like(expected[name])
        tensors[name].read_into(target)
        tensors[name].check()
        assert target.tobytes() == expected[name].tobytes()


@pytest.mark.parametrize(
    "values",
    [
        np.array([True, False]),
        np.arange(-8, 8).astype(ml_dtypes.int4),
        np.arange(6, dtype="f4").reshape(2, 3),
        np.zeros((0, 2), "f8"),
        np.array(3, "i8"),
    ],
    ids=["bool", "int4", "matrix", "empty", "scalar"],
)
@pytest.mark.parametrize("layout", ["C", "F", "strided"])
def test_any_target_is_filled(values, layout, checkpoint, tensor, tmp_path):
    formats.write(checkpoint(tensor("x", values)), tmp_path / "net")
    stored = formats.read(tmp_path / "net").tensors["x"]
    target = np.zeros(values.shape, values.dtype, order="C" if layout == "C" else "F")
    if layout == "strided" and values.ndim:
        target = np.zeros((*values.shape[:-1], 2 * values.shape[-1]), values.dtype)[..., ::2]
    stored.read_into(target)
    assert target.tobytes() == values.tobytes()


def test_a_damaged_value_is_found_on_the_way(saved):
    kernel = formats.read(saved).tensors["dense.kernel"].read().tobytes()
    (file,) = (one for one in files_of(saved) if kernel in one.read_bytes())
    data = file.read_bytes()
    file.write_bytes(data.replace(kernel, kernel[:-1] + b"\x01"))
    one = formats.read(saved).tensors["dense.kernel"]
    with pytest.raises(CorruptFileError, match=r"'dense\.kernel' are not those that were written"):
        one.read_into(np.empty((3, 4), "f4"))
    with pytest.raises(CorruptFileError, match=r"'dense\.kernel' are not those that were written"):
        one.check()


def test_a_file_that_is_cut_off_after_it_was_opened(saved):
    one = formats.read(saved).tensors["dense.kernel"]
    for file in files_of(saved):
        os.truncate(file, 0)
    with pytest.raises(CorruptFileError, match="was truncated after it was opened"):
        one.read_into(np.empty((3, 4), "f4"))


def test_a_file_that_is_replaced_after_it_was_opened(saved, full):
    one = formats.read(saved).tensors["dense.kernel"]
    for file in files_of(saved):
        file.unlink()
        file.write_bytes(b"another")
    target = np.empty((3, 4), "f4")
    one.read_into(target)
    assert target.tobytes() == full.tensors["dense.kernel"].read().tobytes()


def test_no_handle_is_left(saved):
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    checkpoint = formats.read(saved)
    for one in checkpoint.tensors.values():
        one.check()
    del checkpoint, one
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before


def files_of(path: Path) -> list[Path]:
    every = path.rglob("*.safetensors") if path.is_dir() else [path]
    return sorted(one for one in every if one.is_file())
