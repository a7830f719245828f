"""Files that ask for more than to be read."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from kport.errors import CorruptFileError, UnreadableError, UnsafeFileError
from kport_compat.h5 import H5

from .conftest import KERNEL, write_list

PLACE = "model_weights/dense/dense/kernel:0"


@pytest.fixture
def without_kernel(model_file):
    """The model file open for writing, its kernel gone."""
    with h5py.File(model_file, "a") as file:
        del file[PLACE]
        yield file


def refused(file, error, text):
    path = file.filename
    file.close()
    with pytest.raises(error) as caught:
        H5.read(Path(path))
    assert type(caught.value) is error
    assert text in str(caught.value)
    assert path in str(caught.value)


def test_an_external_link_is_not_followed(without_kernel, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = KERNEL
    without_kernel[PLACE] = h5py.ExternalLink("other.h5", "/secret")
    refused(
        without_kernel,
        UnsafeFileError,
        f"{PLACE}: '{PLACE}' is an external link, which is never followed",
    )


def test_a_soft_link_is_not_followed(without_kernel):
    without_kernel[PLACE] = h5py.SoftLink("/model_weights/dense/dense/bias:0")
    refused(without_kernel, UnsafeFileError, "is a soft link, which is never followed")


def test_a_link_in_the_middle_of_the_way_is_not_followed(without_kernel):
    without_kernel.move("model_weights", "elsewhere")
    without_kernel["model_weights"] = h5py.SoftLink("/elsewhere")
    refused(
        without_kernel, UnsafeFileError, "'model_weights' is a soft link, which is never followed"
    )


def test_external_storage_is_not_read(without_kernel, tmp_path):
    (tmp_path / "raw.bin").write_bytes(KERNEL.tobytes())
    without_kernel.create_dataset(
        PLACE, KERNEL.shape, "<f4", external=[(str(tmp_path / "raw.bin"), 0, h5py.h5f.UNLIMITED)]
    )
    refused(
        without_kernel,
        UnsafeFileError,
        f"{PLACE}: keeps its values in another file",
    )


def test_a_virtual_dataset_is_not_read(without_kernel, tmp_path):
    layout = h5py.VirtualLayout(KERNEL.shape, "<f4")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "secret", KERNEL.shape)
    without_kernel.create_virtual_dataset(PLACE, layout)
    refused(
        without_kernel,
        UnsafeFileError,
        f"{PLACE}: is a virtual dataset, which reads other files",
    )


def test_a_filter_of_a_plug_in_is_not_loaded(without_kernel):
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_chunk(KERNEL.shape)
    creation.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)  # zstd; optional, so that h5py writes it
    space = h5py.h5s.create_simple(KERNEL.shape)
    kind = h5py.h5t.IEEE_F32LE
    h5py.h5d.create(without_kernel.id, PLACE.encode(), kind, space, creation)
    refused(
        without_kernel,
        UnsafeFileError,
        "needs the HDF5 filter 32015, which would be",
    )


def test_a_shape_beyond_the_file_is_refused_before_anything_is_made(without_kernel):
    without_kernel.create_dataset(PLACE, (1 << 20, 1 << 20), "<f4", chunks=(1, 1 << 10))
    refused(without_kernel, UnsafeFileError, "declares 4398046511104 bytes of values")


def test_values_that_were_never_written_are_refused(without_kernel):
    without_kernel.create_dataset(PLACE, (1 << 20, 1 << 20), "<f4")
    refused(
        without_kernel,
        UnsafeFileError,
        "declares 4398046511104 bytes of values and stores 0",
    )


def test_one_dataset_under_many_names_is_a_bomb(model_file):
    zeros = np.zeros(200_000, "<f4")
    with h5py.File(model_file, "a") as file:
        layer = file["model_weights/dense"]
        layer.create_dataset("big", data=zeros, compression="gzip", compression_opts=9)
        names = [f"big{index}" for index in range(50)]
        for name in names:
            layer[name] = layer["big"]
        write_list(layer, "weight_names", names)
    with pytest.raises(CorruptFileError, match="claims 40000000 bytes of values, 64 times more"):
        H5.read(model_file)


def test_a_shape_that_lies_about_contiguous_bytes(model_file):
    data = model_file.read_bytes()
    shape = np.array(KERNEL.shape, "<u8").tobytes()
    assert data.count(shape) >= 1
    model_file.write_bytes(data.replace(shape, np.array([3, 1 << 40], "<u8").tobytes()))
    with pytest.raises(UnsafeFileError, match=f"{PLACE}: declares 13194139533312 bytes"):
        H5.read(model_file)


def test_an_object_dataset_is_refused(without_kernel):
    kind = h5py.special_dtype(ref=h5py.Reference)
    without_kernel.create_dataset(PLACE, (2,), kind)
    refused(without_kernel, UnreadableError, f"{PLACE}: holds references, expected numbers")


def test_a_record_dataset_is_refused(without_kernel):
    without_kernel[PLACE] = np.zeros(2, [("a", "<f4"), ("b", "<i4")])
    refused(without_kernel, UnreadableError, "expected numbers")


def test_a_null_dataset_is_refused(without_kernel):
    without_kernel[PLACE] = h5py.Empty("<f4")
    refused(without_kernel, UnreadableError, f"{PLACE}: has no values")


def test_a_group_in_a_weights_place_is_refused(without_kernel):
    without_kernel.create_group(PLACE)
    refused(without_kernel, UnreadableError, f"{PLACE}: is no dataset")


def test_names_that_leave_their_group_are_refused(without_kernel):
    write_list(without_kernel["model_weights/dense"], "weight_names", ["../dense/dense/bias:0"])
    refused(without_kernel, UnreadableError, "names '../dense/dense/bias:0' in")


@pytest.mark.parametrize("seed", range(40))
def test_damaged_bytes_give_a_kport_error_or_a_model(model_file, seed):
    from kport.errors import KportError

    data = bytearray(model_file.read_bytes())
    for place in np.random.default_rng(seed).integers(8, len(data), 12):
        data[place] ^= 0xFF
    model_file.write_bytes(bytes(data))
    try:
        for tensor in H5.read(model_file).tensors.values():
            tensor.read()
    except KportError as error:
        assert str(model_file) in str(error) or "tensor" in str(error)  # noqa: PT017  # both are right
