"""Checkpoints whose checksums are right and whose claims are not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kport.errors import CorruptFileError, PathNotFoundError, UnreadableError
from kport_compat.tensorbundle import Bundle, Field, FirstVersion, decode, find_index, is_index
from kport_compat.tensorbundle._crc32c import extend, masked
from kport_compat.tensorbundle._ordered import slice_key
from kport_compat.tensorbundle._snappy import unpack
from kport_compat.tensorbundle._table import read_table

from .conftest import (
    GOOD,
    HEADER,
    VALUES,
    attempt,
    block,
    entry,
    number,
    rows,
    shape,
    table,
    text,
    varint,
)


def refused(path, error=CorruptFileError):
    with pytest.raises(error) as caught:
        Bundle(path).array("w")
    assert type(caught.value) is error
    assert str(path.parent) in str(caught.value)
    return str(caught.value)


def test_the_builder_builds(write):
    assert Bundle(write()).array("w").tolist() == [1, 2]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (entry(size=9), "float32[2] takes 8 bytes, not 9"),
        (entry(offset=1), "8 bytes at 1, of a file of 8: it is truncated"),
        (entry(offset=(1 << 64) - 4), "8 bytes at -4, of a file of 8"),
        (entry(sizes=(1 << 40, 1 << 40)), "takes 4835703278458516698824704 bytes, not 8"),
        (entry(sizes=(1 << 62,)), "the shape [4611686018427387904]"),
        (entry(sizes=(1,) * 65), "65 dimensions"),
        (entry(shard=7), "names shard 7 of 1"),
        (entry(), "has a wrong checksum: its bytes are damaged"),
        (entry(more=text(7, b"")), "slices of 0 dimensions"),
        (entry(more=text(7, text(1, b""))), "in slices that are missing"),
        (b"\x0d\0\0\0\0", "holds 'dtype' as protobuf wire type 5"),
        (b"\x08", "has no whole number of at most 64 bits"),
    ],
)
def test_a_false_entry_is_refused(write, made, words):
    assert words in refused(write(table([HEADER, (b"w", made)])))


def test_all_false_entries_are_named(write):
    text = refused(write(table([HEADER, (b"v", entry(size=4)), (b"w", entry(offset=5))])))
    assert "'v': float32[2] takes 8 bytes, not 4" in text
    assert "'w': 8 bytes at 5" in text


def test_tensors_may_not_share_their_bytes_over_and_over(write):
    made = table([HEADER, *((b"w%d" % at, GOOD[1]) for at in range(9))])
    assert "claims 72 bytes of values, and its files hold 8" in refused(write(made))


def test_slices_that_overlap_are_refused(write):
    # Two slices of one element each that are the same element.
    part = text(7, text(1, number(1, 0) + number(2, 1)))
    key = slice_key(b"w", [(0, 1)])
    whole = (b"w", entry(size=0, more=part + part))
    made = table([HEADER, (key, entry(sizes=(1,), size=4, crc=masked(VALUES[:4]))), whole])
    assert "has slices that overlap" in refused(write(made))


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (table([GOOD]), "has no header"),
        (table([HEADER, GOOD, GOOD]), "keys are out of order"),
        (table([HEADER], handle=varint(1 << 40) + varint(5)), "out of the file"),
        (table([HEADER], handle=varint(0) + varint(1 << 40)), "whose blocks overlap"),
        (table([HEADER], kind=9), "of the unknown compression 9"),
        (table([], content=b"\0\0\0\xff"), "claims more restarts than it has bytes"),
        (table([], content=block(b"\x05\0\0")), "reaches out of its block"),
        (table([], content=block(b"\0\xff\xff\xff\x7f\0")), "reaches out of its block"),
    ],
)
def test_a_false_table_is_refused(write, made, words):
    assert words in refused(write(made))


def first_version(path, sizes=(2,), cut=(), values=VALUES, key=b"w"):
    """Write a checkpoint of the first version with one tensor in one slice."""
    extents = b"".join(text(1, number(1, start) + number(2, length)) for start, length in cut)
    extents = extents or text(1, b"") * len(sizes)
    meta = text(1, b"w") + text(2, shape(*sizes)) + number(3, 1) + text(4, extents)
    saved = text(2, text(1, b"w") + text(3, text(5, values)))
    places = cut or [(0, -1)] * len(sizes)
    path.write_bytes(table([(b"", text(1, text(1, meta))), (slice_key(key, places), saved)]))
    return path


def test_a_checkpoint_of_the_first_version_that_is_none(tmp_path):
    path = tmp_path / "false.ckpt"
    assert FirstVersion(first_version(path)).array("w").tolist() == [1, 2]
    assert FirstVersion(first_version(path, (2,), [(0, 2)])).array("w").tolist() == [1, 2]
    for made, words in (
        ({"sizes": (1 << 40,)}, "1099511627776 values in"),
        ({"sizes": (3,), "cut": [(0, 2)]}, "slices that overlap or leave gaps"),
        ({"sizes": (2,), "cut": [(1, 2)]}, "slices that overlap or leave gaps"),
        ({"key": b"v"}, "slices that are missing or of others"),
    ):
        with pytest.raises(CorruptFileError, match=words):
            FirstVersion(first_version(path, **made))
    short = FirstVersion(first_version(path, (3,)))
    with pytest.raises(CorruptFileError, match="has 2 values for the shape"):
        short.array("w")
    path.write_bytes(table([HEADER, GOOD]))
    with pytest.raises(CorruptFileError, match="the list of tensors"):
        FirstVersion(path)


def test_other_makers_and_machines_are_named(write):
    first = table([(b"", text(1, b"")), GOOD])
    assert "is a checkpoint of the first version (V1)" in refused(write(first), UnreadableError)
    big = table([(b"", number(1, 1) + number(2, 1)), GOOD])
    assert "was written on a big-endian machine" in refused(write(big), UnreadableError)


def test_missing_values_are_named(write):
    text = refused(write(values=None), PathNotFoundError)
    assert "ckpt.data-00000-of-00001: is missing" in text
    assert "repositories often leave the large ones out" in text


@pytest.mark.parametrize("file", ["ckpt.index", "ckpt.data-00000-of-00001"])
def test_a_pointer_of_git_lfs_is_named(write, file):
    path = write()
    path.with_name(file).write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    text = refused(path, UnreadableError)
    assert "is a Git LFS pointer" in text
    assert f"{file}: " in text
    assert "git lfs pull" in text
    assert is_index(path)


def test_the_index_of_a_folder_is_found(write, tmp_path):
    path = write()
    assert find_index(path) == find_index(tmp_path) == path
    (tmp_path / "b.index").write_bytes(path.read_bytes())
    with pytest.raises(UnreadableError, match=r"holds 2 checkpoints[\s\S]*b\.index"):
        find_index(tmp_path)
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/of/another/machine/b"\n')
    assert find_index(tmp_path) == tmp_path / "b.index"
    path.unlink()
    (tmp_path / "b.index").unlink()
    with pytest.raises(PathNotFoundError, match="holds no checkpoint"):
        find_index(tmp_path)


def test_a_packed_index_is_read(write):
    plain = block(rows([HEADER, GOOD]))
    packed = varint(len(plain)) + b"\xfc" + (len(plain) - 1).to_bytes(4, "little") + plain
    assert Bundle(write(table([], content=packed, kind=1))).array("w").tolist() == [1, 2]


@pytest.mark.parametrize(
    ("packed", "words"),
    [
        (b"\xff\xff\xff\xff\x0f", "in a packed block of 5 bytes"),
        (b"\x05\x0cabcd", "gives 4 of its 5 bytes"),
        (b"\x01\x04ab", "gives more than its 1 bytes"),
        (b"\x04\x0cab", "is cut off"),
        (b"\x05\x04ab\x01\x03", "copies from before its beginning"),
        (b"\x05\x04ab\x01\x00", "copies from before its beginning"),
    ],
)
def test_a_false_packed_block_is_refused(packed, words):
    with pytest.raises(CorruptFileError, match=words):
        unpack(packed)


def test_messages_nested_beyond_reason_are_refused():
    schema = {}
    schema[1] = Field("down", "message", of=schema)
    data = b""
    for _ in range(200):
        data = text(1, data)
    with pytest.raises(CorruptFileError, match="nested beyond reason"):
        decode(data, schema, "it")


def test_the_checksum_is_that_of_the_standard():
    # RFC 3720, appendix B.4
    assert extend(0, np.zeros(32, np.uint8)) == 0x8A9136AA
    assert extend(0, np.full(32, 255, np.uint8)) == 0x62A8AB43
    assert extend(0, np.arange(32, dtype=np.uint8)) == 0x46DD794E


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(0, 2**32 - 1))
def test_a_checksum_goes_on(first, second, seed):
    data = np.random.default_rng(seed).integers(0, 256, first + second, np.uint8)
    # 100 bytes at a time take the plain loop, the whole takes the lanes.
    value = 0
    for at in range(0, len(data), 100):
        value = extend(value, data[at : at + 100])
    assert extend(0, data) == extend(extend(0, data[:first]), data[first:]) == value


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_a_result_or_an_error_of_kport(data):
    schema = {1: Field("shape", "message", of={2: Field("size", "int", many=True)})}
    schema[2] = Field("names", "map", of=schema)
    for read in (
        unpack,
        lambda data: decode(data, schema, "it"),
        lambda data: read_table(table([], content=data)),
        lambda data: read_table(table([], content=block(data))),
        lambda data: read_table(table([], handle=data)),
        lambda data: read_table(data),
    ):
        found, error = attempt(read, data)
        assert found is not None or str(error)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.lists(st.integers(0, 1 << 63), max_size=4))
def test_any_entry_gives_values_or_an_error_of_kport(tmp_path_factory, more, sizes):
    folder = tmp_path_factory.mktemp("entry")
    (folder / "c.data-00000-of-00001").write_bytes(VALUES)
    for made in (more, entry(more=more), entry(sizes=sizes), text(2, shape(*sizes)) + more):
        (folder / "c.index").write_bytes(table([HEADER, (b"w", made)]))
        found, error = attempt(lambda: Bundle(folder / "c.index").array("w"))
        assert found is not None or str(folder) in str(error)
