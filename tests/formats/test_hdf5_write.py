"""Files whose structure kport writes, held against the HDF5 library and against kport's reader."""

import struct
from io import BytesIO

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kport.errors import SaveError
from kport.formats._mapped import HeldBytes
from kport.formats.hdf5 import NewDataset, open_file, plan_hdf5, stored_arrays
from kport.formats.hdf5._write_messages import dataset_header

INTEGERS = ["i1", "<i2", "<i4", "<i8", "u1", "<u2", "<u4", "<u8"]
DTYPES = ["?", *INTEGERS, "<f2", "<f4", "<f8", "<c8", "<c16", "V1", "V2"]
SHAPES = [(), (0,), (3,), (2, 0, 4), (2, 3), (1,) * 32]
MARKS = {"V1": ("dtype", "float8_e4m3fn"), "V2": ("dtype", "bfloat16")}


def values_of(dtype, shape, seed=0):
    size = np.dtype(dtype).itemsize * int(np.prod(shape))
    data = np.random.default_rng(seed).integers(0, 2 if dtype == "?" else 256, size, np.uint8)
    return data.view(dtype).reshape(shape)


def written(tree):
    """Return the file of path -> values."""
    datasets = [
        NewDataset(path, one.dtype, one.shape, MARKS.get(one.dtype.str.strip("|")))
        for path, one in tree.items()
    ]
    head, starts = plan_hdf5(datasets)
    out = bytearray(head)
    for start, one in zip(starts, tree.values(), strict=True):
        out += bytes(start - len(out)) + one.tobytes()
    return bytes(out)


def by_h5py(data):
    """Return path -> values and attributes, as the HDF5 library finds them."""
    found = {}

    def look(path, one):
        if isinstance(one, h5py.Dataset):
            found[path] = np.asarray(one[()], one.dtype), dict(one.attrs)

    with h5py.File(BytesIO(data)) as file:
        file.visititems(look)
    return found


def by_kport(data):
    backing = HeldBytes(data)
    return {path: one.source() for path, one in stored_arrays(open_file(backing), backing).items()}


def require_same(data, tree):
    theirs, ours = by_h5py(data), by_kport(data)
    assert theirs.keys() == ours.keys() == tree.keys()
    for path, one in tree.items():
        found, marks = theirs[path]
        mark = MARKS.get(one.dtype.str.strip("|"))
        assert marks == dict([mark] if mark else [])
        assert (found.dtype, found.shape, found.tobytes()) == (one.dtype, one.shape, one.tobytes())
        assert ours[path].dtype.name == (mark[1] if mark else one.dtype.name)
        assert (ours[path].shape, ours[path].tobytes()) == (one.shape, one.tobytes())


@pytest.mark.parametrize("dtype", DTYPES)
def test_datatypes_are_those_of_h5py(dtype):
    theirs = h5py.h5t.py_create(np.dtype(dtype), logical=True).encode()[2:]
    header = dataset_header(np.dtype(dtype), (), None)
    kind, size = struct.unpack_from("<HH", header, 16 + 8 + 24)
    assert kind == 3
    assert header[16 + 8 + 24 + 8 :][:size] == theirs.ljust(size, b"\0")


def test_every_dtype_and_shape_is_read_back():
    tree = {
        f"layers/{number}/an ü/{dtype}": values_of(dtype, shape)
        for number, shape in enumerate(SHAPES)
        for dtype in DTYPES
    }
    require_same(written(tree), tree)


@pytest.mark.parametrize("count", [0, 1, 8, 9, 256, 257])
def test_groups_of_any_size(count):
    tree = {f"a/vars/{number}": np.array([number, -number], "<i4") for number in range(count)}
    require_same(written(tree), tree)


def test_ten_thousand_in_one_group():
    tree = {f"a/vars/{number}": np.array(number) for number in range(10_000)}
    with h5py.File(BytesIO(written(tree))) as file:
        group = file["a/vars"]
        assert list(group) == sorted(map(str, range(10_000)))
        assert [group[f"{number}"][()] for number in range(0, 10_000, 7)] == [*range(0, 10_000, 7)]
        assert "10000" not in group


def test_every_text_has_a_place_of_its_own(monkeypatch):
    monkeypatch.setattr("kport.formats.hdf5._write._IN_HEAP", 5)
    tree = {f"{number}": values_of("V2", (1,), number) for number in range(12)}
    require_same(written(tree), tree)


def test_the_library_goes_on_writing_where_kport_ended():
    tree = {f"{number}": np.array([number]) for number in range(1_000)}
    file = BytesIO(written(tree))
    with h5py.File(file, "a") as root:
        for number in range(0, 1_000, 3):
            del root[str(number)]
        for number in range(500):
            root[f"new/{number}"] = number
    with h5py.File(file) as root:
        assert len(root) == 667
        assert root["1"][0] == 1
        assert [root[f"new/{number}"][()] for number in range(500)] == list(range(500))


def test_values_begin_at_multiples_of_eight_and_end_the_file():
    tree = {"a": np.ones(3, "u1"), "b": np.ones(0), "c": np.ones((), "<f2")}
    data = written(tree)
    with h5py.File(BytesIO(data)) as file:
        places = [file[name].id.get_offset() for name in "abc"]
    assert places[1] is None
    assert [place % 8 for place in (places[0], places[2])] == [0, 0]
    assert len(data) == places[2] + 2


def test_the_order_of_the_values_is_the_callers_and_the_bytes_are_the_same_each_time():
    tree = {name: np.full(2, ord(name), "<i8") for name in "cab"}
    data = written(tree)
    require_same(data, tree)
    assert data.endswith(b"".join(one.tobytes() for one in tree.values()))
    assert data == written(tree)


@pytest.mark.parametrize(
    ("paths", "text"),
    [
        (["a/b", "a/b"], r"datasets\['a/b'\]: is given twice"),
        (["a/b", "a/b/c"], r"datasets\['a/b'\]: is a group too"),
        (["a//b"], "has a name that no HDF5 file can hold"),
        ([""], "has a name that no HDF5 file can hold"),
        (["a/../b"], "has a name that no HDF5 file can hold"),
        (["a\0b"], "has a name that no HDF5 file can hold"),
    ],
)
def test_names_that_no_file_can_hold(paths, text):
    with pytest.raises(SaveError, match=text):
        plan_hdf5([NewDataset(path, np.dtype("u1"), ()) for path in paths])


def test_more_axes_than_hdf5_knows():
    with pytest.raises(SaveError, match="has 33 axes, and HDF5 knows 32"):
        plan_hdf5([NewDataset("a", np.dtype("u1"), (1,) * 33)])


LETTERS = st.characters(exclude_characters="/\0", exclude_categories=["Cs"])
NAMES = st.text(LETTERS, min_size=1).filter(lambda name: name not in (".", ".."))
ARRAYS = st.builds(
    values_of,
    st.sampled_from(DTYPES),
    st.lists(st.integers(0, 3), max_size=4).map(tuple),
    st.integers(0, 9),
)
TREES = st.recursive(
    st.dictionaries(NAMES, ARRAYS, max_size=40),
    lambda inner: st.dictionaries(NAMES, st.one_of(ARRAYS, inner), max_size=5),
)


def flat(tree, path=""):
    found = {}
    for name, one in tree.items():
        found |= flat(one, f"{path}{name}/") if isinstance(one, dict) else {f"{path}{name}": one}
    return found


@settings(max_examples=60, deadline=None)
@given(TREES)
def test_any_tree_is_what_h5py_writes(nested):
    tree = flat(nested)
    theirs = BytesIO()
    with h5py.File(theirs, "w") as file:
        for path, one in tree.items():
            file[path] = one
    data = written(tree)
    require_same(data, tree)
    found = by_h5py(theirs.getvalue())
    assert {path: one.tobytes() for path, (one, _) in by_h5py(data).items()} == {
        path: one.tobytes() for path, (one, _) in found.items()
    }
