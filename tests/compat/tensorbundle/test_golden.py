"""Checkpoints that TensorFlow 2.3.4 wrote, value for value (tests/golden/scripts)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kport.checkpoint import Kind
from kport.errors import CorruptFileError, UnreadableError
from kport_compat.tensorbundle import Bundle

from .conftest import GOLDEN, attempt

DTYPES = GOLDEN / "dtypes" / "ckpt.index"
SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
EXPECTED = {
    "float32": np.arange(6, dtype="f4").reshape(2, 3) - 2.5,
    "float64": np.array([1e300, -0.0]),
    "float16": np.array([0.5, -2], "f2"),
    "int8": np.array([-128, 127], "i1"),
    "int32": np.array(-7, "i4"),
    "int64": np.array([1 << 40]),
    "uint16": np.array([65535], "u2"),
    "bool": np.array([True, False, True]),
    "complex64": np.array([1 + 2j], "c8"),
    "empty": np.zeros((0, 4), "f4"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_values_are_bit_equal(name):
    found = Bundle(DTYPES).array(name + SUFFIX)
    assert (found.dtype, found.shape) == (EXPECTED[name].dtype, EXPECTED[name].shape)
    assert found.tobytes() == EXPECTED[name].tobytes()


def test_bfloat16_is_read():
    found = Bundle(DTYPES).array("bfloat16" + SUFFIX)
    assert (found.dtype.name, found.tolist()) == ("bfloat16", [1.5, -3.0])


def test_strings_are_read():
    texts = Bundle(DTYPES).texts("string" + SUFFIX)
    assert texts == [b"", b"a", b"long " * 60, bytes(range(256))]


def test_slices_are_joined():
    bundle = Bundle(GOLDEN / "sliced" / "ckpt.index")
    assert len(bundle.entries["weights"].slices) == 3
    assert np.array_equal(bundle.array("weights"), np.arange(40, dtype="f4").reshape(10, 4))


def test_values_are_views_of_the_file():
    values = Bundle(GOLDEN / "keras_2.3" / "variables" / "variables.index")
    key = next(key for key, entry in values.entries.items() if entry.shape == (3, 4))
    found = values.array(key)
    assert not found.flags.owndata
    assert not found.flags.writeable


def test_a_lazy_tensor_reads_a_slice():
    tensor = Bundle(DTYPES).lazy("float32" + SUFFIX, "kernel", Kind.PARAMETER)
    assert tensor.read(slice(1, 2)).tolist() == [[0.5, 1.5, 2.5]]


def test_strings_are_no_numbers_and_numbers_no_strings():
    bundle = Bundle(DTYPES)
    with pytest.raises(UnreadableError, match="holds no numbers"):
        bundle.lazy("string" + SUFFIX, "x", Kind.PARAMETER)
    with pytest.raises(UnreadableError, match="is no whole tensor of strings"):
        bundle.texts("int8" + SUFFIX)


def contents(path):
    bundle = Bundle(path)
    return [
        (key, bundle.texts(key) if one.dtype == "string" else bundle.array(key).tobytes())
        for key, one in bundle.entries.items()
    ]


@settings(max_examples=150, deadline=None)
@given(st.booleans(), st.integers(0, 10_000), st.integers(0, 7))
def test_a_flipped_bit_is_reported_or_changes_nothing(tmp_path_factory, in_index, place, bit):
    folder = tmp_path_factory.mktemp("flipped")
    for file in DTYPES.parent.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    file = folder / ("ckpt.index" if in_index else "ckpt.data-00000-of-00001")
    data = bytearray(file.read_bytes())
    data[place % len(data)] ^= 1 << bit
    file.write_bytes(data)
    found, error = attempt(contents, folder / "ckpt.index")
    assert str(folder) in str(error) if error else found == contents(DTYPES)


@pytest.mark.parametrize("length", [0, 1, 47, 48, 100, 700])
def test_a_cut_index_is_reported(golden, length):
    path = golden("dtypes") / "ckpt.index"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(CorruptFileError, match="it is cut off") as caught:
        Bundle(path)
    assert str(path) in str(caught.value)


def test_cut_values_are_reported_by_name(golden):
    path = golden("dtypes") / "ckpt.data-00000-of-00001"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CorruptFileError) as caught:
        Bundle(path.with_name("ckpt.index"))
    assert "does not fit the files of its values" in str(caught.value)
    line = "'_CHECKPOINTABLE_OBJECT_GRAPH': 935 bytes at 642, of a file of 1567: it is truncated"
    assert line in str(caught.value)
