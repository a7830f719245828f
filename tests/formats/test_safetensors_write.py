import io
import json
import struct
import tracemalloc

import ml_dtypes
import numpy as np
import pytest
import safetensors
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kport.checkpoint import DTYPES, Kind, LazyTensor, digest, digest_of, dtype_name, numpy_dtype
from kport.errors import CorruptFileError, SaveError
from kport.formats.safetensors import (
    TAGS,
    Entry,
    FileDigest,
    read_file,
    render_header,
    storage_dtype,
    tag_of,
    write_file,
)

MATRIX = np.arange(24, dtype="f4").reshape(2, 3, 4)
LAYOUTS = {
    "contiguous": MATRIX,
    "transposed": MATRIX.T,
    "fortran": np.asfortranarray(MATRIX),
    "strided": MATRIX[:, ::2, 1::2],
    "reversed": MATRIX[::-1, :, ::-1],
    "broadcast": np.broadcast_to(np.float32(3), (4, 5)),
    "big-endian": MATRIX.astype(">f4"),
    "big-endian transposed": MATRIX.astype(">f4").T,
    "scalar": np.float32(2.5),
    "empty": np.zeros((0, 3), "f4"),
    "empty in the middle": np.zeros((2, 0, 3), ">i2"),
    "bfloat16 transposed": MATRIX.astype(ml_dtypes.bfloat16).T,
    "read-only": np.frombuffer(b"\1\2\3\4", "u1"),
}


def written(*tensors, metadata=None):
    file = io.BytesIO()
    found = write_file(file, tensors, metadata)
    data = file.getvalue()
    header = data[: 8 + struct.unpack_from("<Q", data)[0]]
    values = {one.name: digest_of(one.read()) for one in tensors}
    assert found == FileDigest(len(data), digest(header), values)
    return data


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_layout_is_stored_in_c_order_and_little_endian(layout, tensor, tmp_path):
    values = np.asarray(LAYOUTS[layout])
    data = written(tensor("x", values))
    ((name, found),) = safetensors.deserialize(data)
    little = values.dtype.newbyteorder("<")
    assert name == "x"
    assert found["shape"] == list(values.shape)
    assert bytes(found["data"]) == values.astype(little).tobytes(order="C")
    (tmp_path / "x").write_bytes(data)
    np.testing.assert_array_equal(read_file(tmp_path / "x").source("x")(), values, strict=False)


@pytest.mark.parametrize("dtype", sorted(DTYPES - {"complex128"}))
def test_every_dtype_passes_the_official_reader_and_ours(dtype, tensor, tmp_path):
    values = np.arange(-4, 4).astype(numpy_dtype("float32")).astype(numpy_dtype(dtype))
    path = tmp_path / "one.safetensors"
    write_file(path, [tensor("x", values)])
    ((_, official),) = safetensors.deserialize(path.read_bytes())
    assert official["dtype"] == tag_of(dtype)
    stored = values.astype(numpy_dtype(storage_dtype(dtype)))
    assert bytes(official["data"]) == stored.tobytes()
    again = read_file(path).source("x", dtype)()
    assert again.dtype == values.dtype
    assert again.tobytes() == values.tobytes()


def test_complex128_and_other_names_that_cannot_be_stored(tensor):
    bad = [
        tensor("phase", np.ones(1, "c16")),
        tensor("__metadata__", np.ones(1)),
        tensor("twice", np.ones(1)),
        tensor("twice", np.ones(1)),
        tensor("\ud800", np.ones(1)),
    ]
    with pytest.raises(SaveError) as caught:
        written(*bad)
    assert str(caught.value) == (
        "these tensors cannot be stored as safetensors\n"
        "  - tensors['phase']: is complex128; safetensors has no such dtype\n"
        "  - tensors['__metadata__']: has a name that no safetensors file can hold\n"
        "  - tensors['twice']: is given twice\n"
        "  - tensors['\\ud800']: has a name that no safetensors file can hold"
    )


def test_the_exact_bytes(tensor):
    data = written(
        tensor("b", np.array([1, 2], "f4")),
        tensor("z", np.array([9], "i8")),
        tensor("a", np.array([3], "f4")),
        tensor("flag", np.array([True])),
        metadata={"format": "pt", "author": "é"},
    )
    header = (
        '{"__metadata__":{"author":"é","format":"pt"},'
        '"a":{"data_offsets":[8,12],"dtype":"F32","shape":[1]},'
        '"b":{"data_offsets":[12,20],"dtype":"F32","shape":[2]},'
        '"flag":{"data_offsets":[20,21],"dtype":"BOOL","shape":[1]},'
        '"z":{"data_offsets":[0,8],"dtype":"I64","shape":[1]}}'
    ).encode()
    padded = header + b" " * (-(8 + len(header)) % 64)
    values = struct.pack("<q", 9) + struct.pack("<3f", 3, 1, 2) + b"\1"
    assert data == struct.pack("<Q", len(padded)) + padded + values


def test_no_tensors(tensor):
    data = written()
    assert data == struct.pack("<Q", 56) + b"{}" + b" " * 54
    assert safetensors.deserialize(data) == []


def test_values_are_aligned_to_64_bytes_and_each_to_its_item_size(tensor, tmp_path):
    sizes = {"u1": 3, "f8": 1, "f2": 5, "f4": 7}
    path = tmp_path / "x"
    write_file(
        path,
        [tensor(f"{kind}.{n}", np.ones(sizes[kind], kind)) for kind in sizes for n in range(3)],
    )
    file = read_file(path)
    assert file.data % 64 == 0
    for name, entry in file.entries.items():
        assert entry.start % np.dtype(name[:2]).itemsize == 0
        assert file.source(name)().flags.aligned


def test_the_order_given_does_not_matter(tensor):
    tensors = [tensor(name, np.arange(3, dtype="f4") + i) for i, name in enumerate("cab")]
    metadata = {"b": "1", "a": "2"}
    once = written(*tensors, metadata=metadata)
    assert once == written(*reversed(tensors), metadata=dict(reversed(metadata.items())))


dtypes = st.sampled_from(sorted(TAGS)).map(numpy_dtype)
arrays = dtypes.flatmap(
    lambda dtype: hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4).flatmap(
        lambda shape: st.binary(
            min_size=int(np.prod(shape)) * dtype.itemsize,
            max_size=int(np.prod(shape)) * dtype.itemsize,
        ).map(lambda data: np.frombuffer(_as_bools(data, dtype), dtype).reshape(shape))
    )
)


def _as_bools(data, dtype):
    return bytes(one & 1 for one in data) if dtype.kind == "b" else data


@given(st.dictionaries(st.text(max_size=8).filter(lambda n: n != "__metadata__"), arrays))
def test_round_trip_of_anything(tmp_path_factory, named):
    tensors = [
        LazyTensor(name, one.shape, dtype_name(one.dtype), Kind.STATE, lambda one=one: one.T.T)
        for name, one in named.items()
    ]
    path = tmp_path_factory.mktemp("any") / "x.safetensors"
    write_file(path, tensors)
    file = read_file(path)
    assert set(file.entries) == set(named)
    for name, one in named.items():
        again = file.source(name)()
        assert (again.shape, again.dtype, again.tobytes()) == (one.shape, one.dtype, one.tobytes())
    official = dict(safetensors.deserialize(path.read_bytes()))
    assert {n: bytes(f["data"]) for n, f in official.items()} == {
        n: one.tobytes() for n, one in named.items()
    }


def test_no_more_than_two_tensors_are_in_memory(tmp_path):
    size = 16_000_000
    tensors = [
        LazyTensor(
            f"t{n}",
            (size // 4,),
            "float32",
            Kind.PARAMETER,
            lambda n=n: np.full(size // 4, n, "f4"),
        )
        for n in range(6)
    ]
    tracemalloc.start()
    try:
        write_file(tmp_path / "big", tensors)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size < peak < 2.1 * size


def test_a_contiguous_tensor_is_not_copied(tmp_path):
    values = np.ones(1_000_000, "f4")
    one = LazyTensor("t", values.shape, "float32", Kind.PARAMETER, lambda: values)
    tracemalloc.start()
    try:
        write_file(tmp_path / "big", [one])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.1 * values.nbytes


def test_a_file_object_that_takes_little_at_a_time(tensor):
    class Slow(io.BytesIO):
        def write(self, data):
            return super().write(bytes(data[:7]))

    file = Slow()
    write_file(file, [tensor("x", np.arange(100))])
    assert file.getvalue() == written(tensor("x", np.arange(100)))


def test_a_source_that_gives_something_else(tmp_path):
    one = LazyTensor("x", (2,), "float32", Kind.PARAMETER, lambda: np.ones(3, "f4"))
    with pytest.raises(CorruptFileError) as caught:
        write_file(tmp_path / "x", [one])
    assert str(caught.value) == (
        "tensor 'x' was declared as float32[2] and its bytes are float32[3]"
    )


def test_a_header_too_long_for_other_tools():
    entries = {"x" * 30 + str(n): Entry("U8", (0,), 0, 0) for n in range(350_000)}
    with pytest.raises(SaveError) as caught:
        render_header(entries, {})
    length = len(
        json.dumps(
            {n: {"data_offsets": [0, 0], "dtype": "U8", "shape": [0]} for n in entries},
            separators=(",", ":"),
        )
    )
    padded = length + -(8 + length) % 64
    assert str(caught.value) == (
        f"the safetensors header is {padded} bytes, and at most 25000000 are allowed "
        "(it names 350000 tensors)\n"
        "Spread the tensors over more files: give a smaller shard_size."
    )
