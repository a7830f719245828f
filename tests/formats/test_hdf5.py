"""Our reader of HDF5 held against h5py, which writes the files."""

import gc
import weakref
from io import BytesIO
from itertools import product

import h5py
import numpy as np
import pytest

from kport.errors import CorruptFileError, UnreadableError
from kport.formats._mapped import HeldBytes
from kport.formats.hdf5 import Dataset, Group, group_names, open_file, stored_arrays
from kport.formats.hdf5._checksum import lookup3

VERSIONS = {
    "earliest": {},
    "1.8": {"libver": ("v108", "v108")},
    "latest": {"libver": "latest"},
    "in the order of making": {"track_order": True},
    "behind a user block": {"userblock_size": 1024},
}
PACKED = [
    {},
    {"compression": "gzip"},
    {"compression": "lzf"},
    {"fletcher32": True},
    {"shuffle": True, "compression": "gzip", "fletcher32": True},
    {"shuffle": True, "compression": "lzf", "maxshape": (None, None)},
]
DTYPES = ["<f4", ">f4", "<f2", "<f8", "?", "u1", "<i2", ">i8", "<u4", "<c8", ">c16"]


def written(fill, **options):
    out = BytesIO()
    with h5py.File(out, "w", **options) as file:
        fill(file)
    return out.getvalue()


def opened(data):
    backing = HeldBytes(data)
    root = open_file(backing)
    return root, stored_arrays(root, backing)


def fill_groups(file, count):
    for index in range(count):
        file[f"layers/a_layer_of_a_long_name_{index}/vars/0"] = np.full((index % 3, 2), index, "f4")
    group = file.create_group("attributes")
    for index in range(count):
        group.attrs[f"of a long name {index}"] = "é" * (index * 37 % 300)
    group.attrs["fixed"] = np.array([b"abc", b"de"])
    group.attrs["variable"] = ["a", "", "ccc"]
    group.attrs["none"] = []


@pytest.mark.parametrize(("version", "count"), list(product(VERSIONS, [0, 3, 9, 150])))
def test_groups_and_attributes_are_what_h5py_finds(version, count):
    data = written(lambda file: fill_groups(file, count), **VERSIONS[version])
    root, arrays = opened(data)
    with h5py.File(BytesIO(data), "r") as file:
        everything = []
        file.visititems(lambda name, one: everything.append((name, one)))
        groups = {name for name, one in everything if isinstance(one, h5py.Group)}
        found = {name: one[()] for name, one in everything if name not in groups}
        attributes = dict(file["attributes"].attrs)
    assert set(group_names(root)) == groups
    assert set(arrays) == set(found)
    for name, value in found.items():
        np.testing.assert_array_equal(arrays[name].source(), value, strict=True)
    ours = {name: one.texts for name, one in root["attributes"].attributes.items()}
    assert ours.pop("fixed") == ["abc", "de"]
    assert ours.pop("variable") == ["a", "", "ccc"]
    assert ours.pop("none") == []
    assert ours == {name: [text] for name, text in attributes.items() if isinstance(text, str)}


def test_a_text_of_a_megabyte():
    root, _ = opened(written(lambda file: file.attrs.__setitem__("config", "x" * (1 << 20))))
    assert root.attributes["config"].texts == ["x" * (1 << 20)]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_of_every_kind(version, dtype):
    values = (np.arange(-3, 3) * 1.5).astype(dtype).reshape(3, 2)
    data = written(lambda file: file.create_dataset("x", data=values), **VERSIONS[version])
    found = opened(data)[1]["x"].source()
    np.testing.assert_array_equal(found, values)
    assert found.dtype == values.dtype.newbyteorder("<")


@pytest.mark.parametrize("options", PACKED, ids=lambda one: "-".join(one) or "plain")
@pytest.mark.parametrize("version", ["earliest", "1.8"])
def test_chunks_are_put_together(version, options):
    chance = np.random.default_rng(0)
    arrays = {
        "edges": np.arange(35, dtype="f4").reshape(5, 7),
        "zeros": np.zeros((300, 200)),
        "noise": chance.integers(0, 255, (101, 99)).astype("u1"),
    }

    def fill(file):
        for name, value in arrays.items():
            file.create_dataset(name, data=value, chunks=(4, 3), **options)

    found = opened(written(fill, **VERSIONS[version]))[1]
    for name, value in arrays.items():
        np.testing.assert_array_equal(found[name].source(), value, strict=True)


def test_values_in_the_header():
    def fill(file):
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple((3,))
        made = h5py.h5d.create(file.id, b"x", h5py.h5t.IEEE_F32LE, space, creation)
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.arange(3, dtype="f4"))

    np.testing.assert_array_equal(opened(written(fill))[1]["x"].source(), [0, 1, 2])


def test_text_is_no_tensor():
    def fill(file):
        file["text"], file["texts"] = "hello", np.array([b"a"])
        file["empty"] = np.zeros((0, 3), "f4")

    root, arrays = opened(written(fill))
    assert list(arrays) == ["empty"]
    assert arrays["empty"].source().shape == (0, 3)
    assert isinstance(root["text"], Dataset)
    assert isinstance(root, Group)


@pytest.mark.parametrize(
    ("fill", "error", "words"),
    [
        (
            lambda file: file.create_dataset("x", data=np.zeros((9, 9)), chunks=(3, 3)),
            UnreadableError,
            "'x' keeps its values in chunks as only the newest HDF5 does",
        ),
        (
            lambda file: file.attrs.create("x", np.full(100_000, b"a")),
            UnreadableError,
            "keeps a name or an attribute outside of its heap",
        ),
    ],
)
def test_what_only_the_newest_hdf5_writes_is_refused_by_name(fill, error, words):
    data = written(fill, libver="latest")
    with pytest.raises(error, match=words):
        _ = opened(data)[0].attributes


def test_a_scale_offset_is_refused_by_name():
    data = written(lambda file: file.create_dataset("x", data=np.arange(9), scaleoffset=0))
    with pytest.raises(UnreadableError, match="'x' is packed by the HDF5 filter 6"):
        opened(data)


def test_chunks_that_are_not_stored():
    def fill(file):
        file.create_dataset("x", (6, 6), "f4", chunks=(3, 3))[:3] = 1

    with pytest.raises(CorruptFileError, match="'x' has not the 4 chunks that it needs"):
        opened(written(fill))


def test_one_wrong_bit_in_a_chunk_is_found():
    values = np.arange(64, dtype="u1")
    data = written(lambda file: file.create_dataset("x", data=values, fletcher32=True))
    start = data.index(values.tobytes())
    broken = data[:start] + b"\1" + data[start + 1 :]
    with pytest.raises(CorruptFileError, match="a chunk is damaged: its checksum is wrong"):
        opened(broken)[1]["x"].source()


@pytest.mark.parametrize("version", ["1.8", "latest"])
def test_one_wrong_bit_in_the_newer_structure_is_found(version):
    data = written(lambda file: fill_groups(file, 9), **VERSIONS[version])
    tags = (b"OHDR", b"FRHP", b"FHDB", b"BTHD", b"BTLF")
    for place in (data.index(tag) + 12 for tag in tags):
        broken = data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]
        with pytest.raises(CorruptFileError, match="checksum is wrong"):
            _ = opened(broken)[0]["attributes"].attributes


def test_checksums():
    assert lookup3(b"") == 0xDEADBEEF
    assert lookup3(b"Four score and seven years ago") == 0x17770551  # as lookup3.c says


def test_the_order_is_that_of_the_names():
    def fill(file):
        for name in ("b/vars/1", "b/vars/0", "b/a", "a", "c"):
            file[name] = 1

    root, arrays = opened(written(fill))
    assert list(arrays) == ["a", "b/a", "b/vars/0", "b/vars/1", "c"]
    assert group_names(root) == ("b", "b/vars")


def test_the_structure_is_read_and_not_the_values_it_lies_among():
    class Watched(HeldBytes):
        def expect(self, start, stop):
            asked.extend(range(start, stop))

    def fill(file):
        for index in range(8):
            file[f"layers/{index}/vars/0"] = np.zeros(1 << 18, "f4")

    asked, before, data = [], b"x" * 1000, written(fill)
    backing = Watched(before + data + before)
    stored_arrays(open_file(backing, len(before), len(data)), backing, len(before))
    assert len(asked) == len(set(asked)) < len(data) / 8
    assert len(before) <= min(asked)
    assert max(asked) < len(before) + len(data)


@pytest.mark.parametrize("options", PACKED[:2], ids=["plain", "gzip"])
def test_the_bytes_are_let_go_with_the_root(options):
    def fill(file):
        file.create_dataset("group/x", data=np.zeros(64), chunks=(8,), **options)

    backing = HeldBytes(written(fill))
    gone = weakref.ref(backing)
    gc.disable()
    try:
        root = open_file(backing)
        image = weakref.ref(root._file.image)
        arrays = stored_arrays(root, backing)
        del root
        assert image() is None
        del arrays, backing
        assert gone() is None
    finally:
        gc.enable()
