"""Files of weights alone in the layout of Keras 2.12 and later, and such that ask for more."""

import contextlib

import h5py
import numpy as np
import pytest

from kport import formats
from kport.checkpoint import Holds
from kport.errors import CorruptFileError, KportError, UnsafeFileError
from kport_compat.keras2_archive import KERAS_WEIGHTS

KERNEL = np.arange(6, dtype="f4").reshape(2, 3)
PLACE = "layers/dense/vars/0"


@pytest.fixture
def weights_file(tmp_path):
    path = tmp_path / "m.weights.h5"
    with h5py.File(path, "w") as file:
        file[PLACE] = KERNEL
    return path


def refused(path, error, text):
    with pytest.raises(error) as caught:
        KERAS_WEIGHTS.read(path)
    assert type(caught.value) is error
    assert text in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_plain_file_is_read(weights_file):
    checkpoint = formats.read(weights_file)
    assert checkpoint.holds is Holds.WEIGHTS
    np.testing.assert_array_equal(checkpoint.tensors[PLACE].read(), KERNEL)


@pytest.mark.parametrize(
    ("link", "what"),
    [
        (h5py.ExternalLink("other.h5", "/secret"), "an external link"),
        (h5py.SoftLink("/layers/dense"), "a soft link"),
    ],
)
def test_a_link_is_not_followed(weights_file, link, what):
    with h5py.File(weights_file, "a") as file:
        file["layers/other"] = link
    refused(weights_file, UnsafeFileError, f"'layers/other' is {what}, which is never followed")


def test_other_files_are_not_read(weights_file, tmp_path):
    (tmp_path / "raw").write_bytes(KERNEL.tobytes())
    with h5py.File(weights_file, "a") as file:
        away = [(str(tmp_path / "raw"), 0, h5py.h5f.UNLIMITED)]
        file.create_dataset("layers/dense/vars/1", (2, 3), "<f4", external=away)
    refused(weights_file, UnsafeFileError, "'layers/dense/vars/1' keeps its values in another file")


def test_a_virtual_dataset_is_not_read(weights_file, tmp_path):
    layout = h5py.VirtualLayout((2, 3), "<f4")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "secret", (2, 3))
    with h5py.File(weights_file, "a") as file:
        file.create_virtual_dataset("layers/dense/vars/1", layout)
    refused(weights_file, UnsafeFileError, "is a virtual dataset, which reads other files")


def test_a_claim_of_values_that_are_not_there_is_refused(weights_file):
    with h5py.File(weights_file, "a") as file:
        file.create_dataset("layers/dense/vars/1", (10**9, 10**3), "<f4", chunks=(10**3, 10**3))
    refused(weights_file, UnsafeFileError, "declares 4000000000000 bytes of values and stores 0")


def test_a_group_within_itself_is_refused(weights_file):
    with h5py.File(weights_file, "a") as file:
        file["layers/dense/again"] = file["layers"]
    refused(weights_file, UnsafeFileError, "'layers/dense/again' was met before as 'layers'")


def test_a_dataset_of_two_names_is_refused(weights_file):
    with h5py.File(weights_file, "a") as file:
        file["layers/dense/vars/1"] = file[PLACE]
    refused(
        weights_file,
        UnsafeFileError,
        "vars/1' was met before as 'layers/dense/vars/0'",
    )


@pytest.mark.parametrize("name", ["dense_1", "dense_999999"])
def test_counters_that_no_keras_writes_are_refused(tmp_path, name):
    path = tmp_path / "m.weights.h5"
    with h5py.File(path, "w") as file:
        file[f"_layer_checkpoint_dependencies/{name}/vars/0"] = KERNEL
    refused(path, CorruptFileError, f"{name} is numbered as no Keras 2 numbers layers")


@pytest.mark.parametrize("length", [9, 100, 1000, 2000])
def test_a_file_that_is_cut_off_raises_errors_of_ours(weights_file, length):
    weights_file.write_bytes(weights_file.read_bytes()[:length])
    with pytest.raises(KportError):
        formats.read(weights_file)


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_file_raises_errors_of_ours_or_is_read(weights_file, seed):
    rng, data = np.random.default_rng(seed), bytearray(weights_file.read_bytes())
    for place in rng.integers(8, len(data), 5):
        data[place] = rng.integers(0, 256)
    weights_file.write_bytes(data)
    with contextlib.suppress(KportError):  # any other exception fails the test
        for tensor in formats.read(weights_file).tensors.values():
            tensor.read()
