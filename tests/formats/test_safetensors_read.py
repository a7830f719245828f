import json
import os
import struct
import zipfile

import numpy as np
import pytest

from kport.errors import CorruptFileError, UnreadableError, UnsafeFileError
from kport.formats import _mapped
from kport.formats.safetensors import (
    Entry,
    Header,
    _header,
    parse_header,
    read_file,
    validate_header,
    write_file,
)


def entry(start, stop, **fields):
    return {"dtype": "U8", "shape": [stop - start], "data_offsets": [start, stop]} | fields


def told(header, size):
    data = header if isinstance(header, bytes) else json.dumps(header).encode()
    problems = validate_header(data, size)
    if problems:
        with pytest.raises(CorruptFileError):
            parse_header(data, size)
    return [str(problem) for problem in problems]


def test_a_valid_header():
    header = {"__metadata__": {"k": "v"}, "b": entry(2, 2), "a": entry(0, 2), "": entry(2, 6)}
    assert told(header, 6) == []
    parsed = parse_header(json.dumps(header).encode() + b"   ", 6)
    assert parsed == Header(
        {"k": "v"},
        {"a": Entry("U8", (2,), 0, 2), "b": Entry("U8", (0,), 2, 2), "": Entry("U8", (4,), 2, 6)},
    )
    assert list(parsed.entries) == ["a", "b", ""]


TILINGS = {
    "a hole": (
        {"a": entry(0, 2), "b": entry(3, 4)},
        4,
        ["tensors['b'].data_offsets: begins at 3 and leaves a hole; expected 2"],
    ),
    "a hole at the start": (
        {"a": entry(1, 2)},
        2,
        ["tensors['a'].data_offsets: begins at 1 and leaves a hole; expected 0"],
    ),
    "an overlap": (
        {"a": entry(0, 3), "b": entry(2, 4)},
        4,
        ["tensors['b'].data_offsets: begins at 2 and overlaps the one before it; expected 3"],
    ),
    "the same place": (
        {"a": entry(0, 3), "b": entry(0, 3)},
        3,
        ["tensors['b'].data_offsets: begins at 0 and overlaps the one before it; expected 3"],
    ),
    "one inside another": (
        {"a": entry(0, 9), "b": entry(2, 4), "c": entry(9, 10)},
        10,
        ["tensors['b'].data_offsets: begins at 2 and overlaps the one before it; expected 9"],
    ),
    "nothing, inside a tensor": (
        {"a": entry(0, 4), "b": entry(2, 2)},
        4,
        ["tensors['b'].data_offsets: begins at 2 and overlaps the one before it; expected 4"],
    ),
    "a truncated file": (
        {"a": entry(0, 9)},
        4,
        ["file: is truncated: 4 bytes of values, and the header describes 9"],
    ),
    "bytes behind": (
        {"a": entry(0, 2)},
        4,
        ["file: has bytes that belong to no tensor: 4 bytes of values, and the header describes 2"],
    ),
}


@pytest.mark.parametrize("case", TILINGS)
def test_values_must_tile_the_file(case):
    header, size, expected = TILINGS[case]
    assert told(header, size) == expected


FIELDS = {
    "negative": (entry(-4, 4), ["tensors['a'].data_offsets: is -4, expected a whole number >= 0"]),
    "stop before start": (
        entry(0, 4, data_offsets=[4, 0]),
        ["tensors['a'].data_offsets: span -4 bytes [4, 0], and U8[4] takes 4 bytes"],
    ),
    "float": (
        entry(0, 4, data_offsets=[0, 4.0]),
        ["tensors['a'].data_offsets: is 4.0, expected a whole number >= 0"],
    ),
    "true": (
        entry(0, 1, data_offsets=[False, True]),
        [
            "tensors['a'].data_offsets: is False, expected a whole number >= 0",
            "tensors['a'].data_offsets: is True, expected a whole number >= 0",
        ],
    ),
    "no pair": (
        entry(0, 4, data_offsets=[0, 4, 4]),
        ["tensors['a'].data_offsets: is no pair [start, stop]"],
    ),
    "negative shape": (
        entry(0, 4, shape=[-2, -2]),
        ["tensors['a'].shape[0]: is -2, expected a dimension"],
    ),
    "wrong size": (
        entry(0, 4, shape=[2]),
        ["tensors['a'].data_offsets: span 4 bytes [0, 4], and U8[2] takes 2 bytes"],
    ),
    "wrong size of items": (
        entry(0, 4, dtype="F64"),
        ["tensors['a'].data_offsets: span 4 bytes [0, 4], and F64[4] takes 32 bytes"],
    ),
    "half a byte": (
        entry(0, 2, dtype="F4", shape=[3]),
        ["tensors['a'].data_offsets: span 2 bytes [0, 2], and F4[3] takes 12 bits"],
    ),
    "product overflows 64 bits": (
        entry(0, 0, shape=[1 << 32, 1 << 32]),
        ["tensors['a'].shape: is [4294967296, 4294967296], larger than any array"],
    ),
    "empty and overflows": (
        entry(0, 0, shape=[0, 1 << 40, 1 << 40]),
        ["tensors['a'].shape: is [0, 1099511627776, 1099511627776], larger than any array"],
    ),
    "rank": (
        entry(0, 1, shape=[1] * 65),
        [
            "tensors['a'].shape: is a list, expected a list of at most 64 dimensions",
        ],
    ),
    "unknown field": (
        entry(0, 4, pickle="x"),
        ["tensors['a']['pickle']: is not a field of the format"],
    ),
    "no object": ([0, 4], ["tensors['a']: is [0, 4], expected an object"]),
    "shape missing": (
        {"dtype": "U8", "data_offsets": [0, 0]},
        [
            "tensors['a'].shape: is missing, expected a list of at most 64 dimensions",
            "tensors['a'].data_offsets: span 0 bytes [0, 0], and U8[] takes 1 bytes",
        ],
    ),
}


@pytest.mark.parametrize("case", FIELDS)
def test_fields_of_a_tensor(case):
    value, expected = FIELDS[case]
    assert told({"a": value}, 4)[: len(expected)] == expected


def test_an_unknown_dtype_names_those_there_are():
    (problem,) = told({"a": entry(0, 4, dtype="PICKLE")}, 4)
    assert problem.startswith("tensors['a'].dtype: is 'PICKLE', expected one of BF16, BOOL, C64, ")


def test_all_problems_at_once():
    header = {"a": entry(0, 4, dtype="F32"), "b": entry(-1, 4), "__metadata__": {"k": 1}}
    assert told(header, 4) == [
        "__metadata__['k']: is no string",
        "tensors['a'].data_offsets: span 4 bytes [0, 4], and F32[4] takes 16 bytes",
        "tensors['b'].data_offsets: is -1, expected a whole number >= 0",
        "tensors['b'].data_offsets: span 4 bytes [0, 4], and U8[5] takes 5 bytes",
    ]


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (
            b'{"a": 1, "a": 2}',
            "header: the safetensors header holds the key 'a' twice in one object",
        ),
        (
            b'{"a": {"dtype": "U8", "dtype": "F32"}}',
            "header: the safetensors header holds the key 'dtype' twice in one object",
        ),
        (b" {}", "header: begins with b' {}', expected '{'"),
        (b"[]", "header: begins with b'[]', expected '{'"),
        (
            b'{"a"',
            "header: the safetensors header is not valid JSON: Expecting ':' delimiter: "
            "line 1 column 5 (char 4)",
        ),
        (b'{"__metadata__": [1]}', "__metadata__: is [1], expected an object"),
    ],
)
def test_header_that_is_no_header(header, problem):
    assert told(header, 0) == [problem]


def raw(tmp_path, data):
    path = tmp_path / "x.safetensors"
    path.write_bytes(data)
    return path


def message(path, error=CorruptFileError):
    with pytest.raises(error) as caught:
        read_file(path)
    assert type(caught.value) is error
    return str(caught.value).replace(str(path), "FILE")


@pytest.mark.parametrize("size", [0, 7])
def test_a_file_shorter_than_a_length(tmp_path, size):
    assert message(raw(tmp_path, b"\0" * size)) == (
        f"FILE: is no safetensors file: {size} bytes, and the length of the header alone takes 8"
    )


def test_a_header_that_would_be_longer_than_the_file_is_never_allocated(tmp_path):
    path = raw(tmp_path, struct.pack("<Q", 1 << 63) + b"{}")
    assert message(path) == (
        "FILE: is truncated or no safetensors file: 10 bytes, and the header alone should take "
        f"8 + {1 << 63}"
    )


def test_a_header_longer_than_any_honest_one(tmp_path):
    path = tmp_path / "x.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 100_000_001))
        file.truncate(200_000_000)  # sparse: takes no disk
    expected = "FILE: has a header of 100000001 bytes; at most 100000000 are read"
    assert message(path, UnsafeFileError) == expected


def test_a_header_given_in_memory_is_bounded_too(monkeypatch):
    monkeypatch.setattr(_header, "MAX_READ_BYTES", 1)
    with pytest.raises(UnsafeFileError) as caught:
        parse_header(b"{}", 0)
    assert str(caught.value) == "the safetensors header is 2 bytes, and at most 1 are allowed"


@pytest.mark.parametrize("missing", [1, 8, 64])
def test_a_truncated_file_says_both_sizes(tmp_path, tensor, missing):
    path = tmp_path / "x.safetensors"
    write_file(path, [tensor("x", np.ones(16, "f4"))])
    os.truncate(path, path.stat().st_size - missing)
    assert message(path) == (
        "FILE: the safetensors header is not valid\n"
        f"  - file: is truncated: {64 - missing} bytes of values, and the header describes 64"
    )


def test_no_such_file(tmp_path):
    assert "FILE: cannot be read: [Errno 2]" in message(tmp_path / "no", UnreadableError)


def test_views_are_read_only_and_share_one_mapping(tmp_path, tensor, monkeypatch):
    path = tmp_path / "x.safetensors"
    write_file(path, [tensor("a", np.arange(5)), tensor("b", np.ones((2, 2), "f4"))])
    maps = []
    real = _mapped.mmap.mmap
    monkeypatch.setattr(_mapped.mmap, "mmap", lambda *a, **k: maps.append(a) or real(*a, **k))
    file = read_file(path)
    first, second = file.source("a"), file.source("b")
    assert len(maps) == 1
    assert first().sum() == 10
    assert second().sum() == 4
    assert first().base is not None
    assert len(maps) == 1
    with pytest.raises(ValueError, match="read-only"):
        first()[0] = 1


def test_values_outlive_the_file(tmp_path, tensor):
    path = tmp_path / "x.safetensors"
    write_file(path, [tensor("a", np.arange(5))])
    values = read_file(path).source("a")()
    path.unlink()
    assert values.tolist() == [0, 1, 2, 3, 4]


def test_a_file_that_is_replaced_meanwhile_stays_the_one_that_was_opened(tmp_path, tensor):
    path = tmp_path / "x.safetensors"
    write_file(path, [tensor("a", np.arange(5))])
    source = read_file(path).source("a")
    path.unlink()
    write_file(path, [tensor("a", np.arange(6))])
    assert source().tolist() == [0, 1, 2, 3, 4]


def test_a_file_that_is_replaced_while_it_is_opened_is_not_read(tmp_path, tensor):
    path = tmp_path / "x.safetensors"
    write_file(path, [tensor("a", np.arange(5))])
    file = _mapped.MappedFile(path)
    path.unlink()
    write_file(path, [tensor("a", np.arange(6))])
    with pytest.raises(CorruptFileError) as caught:
        file.hold()
    assert str(caught.value) == (f"{path}: was changed after it was opened\nRead it again.")


def test_inside_another_file(tmp_path, tensor):
    inner = tmp_path / "inner"
    write_file(inner, [tensor("a", np.arange(3)), tensor("e", np.zeros((0, 2)))])
    outer = tmp_path / "outer.zip"
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("pad", b"x" * 5000)
        archive.write(inner, "model.safetensors")
        archive.writestr("behind", b"y" * 99)
        info = archive.getinfo("model.safetensors")
    start = info.header_offset + 30 + len(info.filename)
    file = read_file(outer, offset=start, length=info.file_size)
    assert file.source("a")().tolist() == [0, 1, 2]
    assert file.source("e")().shape == (0, 2)
    with pytest.raises(CorruptFileError) as caught:
        read_file(outer, offset=start, length=10_000)
    assert "is truncated" in str(caught.value)


@pytest.mark.parametrize(
    ("tag", "dtype", "good", "bad"),
    [
        ("BOOL", "bool", b"\0\1", b"\1\2"),
        ("I8", "int4", b"\x07\xf8", b"\x08\0"),
        ("U8", "uint4", b"\0\x0f", b"\0\x10"),
    ],
)
def test_bytes_that_are_none_of_the_dtype(tmp_path, tag, dtype, good, bad):
    header = json.dumps({"x": entry(0, 2, dtype=tag)}).encode()
    path = raw(tmp_path, struct.pack("<Q", len(header)) + header + good)
    values = read_file(path).source("x", dtype)()
    assert values.astype("i2").tolist() == np.frombuffer(good, "i1").tolist()
    assert not values.flags.writeable
    path.write_bytes(path.read_bytes()[:-2] + bad)
    source = read_file(path).source("x", dtype)
    with pytest.raises(CorruptFileError) as caught:
        source()
    assert str(caught.value) == f"{path}: tensor 'x' is {dtype} and has bytes that are no such"


def test_a_dtype_that_keras_has_not(tmp_path):
    header = json.dumps({"scale": entry(0, 2, dtype="F8_E8M0")}).encode()
    path = raw(tmp_path, struct.pack("<Q", len(header)) + header + b"\1\2")
    file = read_file(path)
    assert file.entries["scale"].dtype is None
    with pytest.raises(UnreadableError) as caught:
        file.source("scale")
    assert str(caught.value) == (
        f"{path}: tensor 'scale' is F8_E8M0, and no Keras tensor can be made of that"
    )


def test_a_dtype_that_does_not_fit_the_file(tmp_path, tensor):
    path = tmp_path / "x.safetensors"
    write_file(path, [tensor("a", np.arange(2, dtype="i4"))])
    with pytest.raises(UnreadableError) as caught:
        read_file(path).source("a", "float32")
    assert str(caught.value) == (
        f"{path}: tensor 'a' is I32, and no float32 tensor can be made of that"
    )
