"""Damaged and hostile checkpoints: an error of kport or values, in little time and memory."""

import shutil
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kport import formats
from kport.errors import CorruptFileError, KportError
from kport_compat.tensorbundle import GRAPH_KEY, Bundle, Tracked, tracked_objects
from kport_compat.tensorbundle._crc32c import extend, mask
from kport_compat.tfcheckpoint._objects import named_objects

from .conftest import GOLDEN, HEADER, entry, number, table, text, varint

NAME = "functional_2.3"
FILES = ["weights.index", "weights.data-00000-of-00001", "checkpoint"]
LIMIT = 64 << 20  # bytes; the checkpoint itself has fifteen thousand

DAMAGES = st.lists(
    st.one_of(
        st.tuples(st.just("cut"), st.integers(0, 1 << 20), st.just(b"")),
        st.tuples(st.just("put"), st.integers(0, 1 << 20), st.binary(min_size=1, max_size=8)),
        st.tuples(st.just("add"), st.integers(0, 1 << 20), st.binary(min_size=1, max_size=40)),
    ),
    min_size=1,
    max_size=4,
)


def damaged(data, damages):
    data = bytearray(data)
    for kind, place, new in damages:
        at = place % (len(data) + 1)
        if kind == "cut":
            del data[at:]
        elif kind == "put":
            data[at : at + len(new)] = new
        else:
            data[at:at] = new
    return bytes(data)


def outcome(read):
    """Return the text of kport's error or None; anything else fails the test, as does memory."""
    tracemalloc.start()
    try:
        read()
    except KportError as error:
        return str(error)
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < LIMIT
    return None


def read_all(path):
    for tensor in formats.read(path).tensors.values():
        tensor.read()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(FILES), DAMAGES)
def test_a_damaged_file_of_a_checkpoint(tmp_path_factory, name, damages):
    folder = Path(shutil.copytree(GOLDEN / NAME, tmp_path_factory.mktemp("x") / "ckpt"))
    (folder / name).write_bytes(damaged((folder / name).read_bytes(), damages))
    text = outcome(lambda: read_all(folder))
    assert text is None or str(folder) in text


def write_graph(folder, graph):
    """Write a checkpoint that holds an object graph alone, with true checksums."""
    length = varint(len(graph))
    fixed = len(graph).to_bytes(4, "little")
    checksum = extend(0, memoryview(fixed))
    middle = mask(checksum).to_bytes(4, "little")
    whole = mask(extend(checksum, memoryview(middle + graph)))
    data = length + middle + graph
    key = (GRAPH_KEY.encode(), entry(dtype=7, sizes=(), size=len(data), crc=whole))
    (folder / "ckpt.index").write_bytes(table([HEADER, key]))
    (folder / "ckpt.data-00000-of-00001").write_bytes(data)
    return folder / "ckpt.index"


def node(*children, more=b""):
    edges = (text(1, number(1, to) + text(2, name.encode())) for name, to in children)
    return text(1, b"".join(edges) + more)


def test_the_builder_builds(tmp_path):
    index = write_graph(tmp_path, node(("a", 1)) + node(("back", 0)))
    objects = tracked_objects(Bundle(index))
    assert [dict(one.children) for one in objects] == [{"a": 1}, {"back": 0}]


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (b"", "object graph of 0 objects"),
        (node(("a", 7)), "object graph of 1 objects and an edge out of it"),
        (node(("a", (1 << 64) - 1)), "and an edge out of it"),
        (node(more=text(3, number(1, 5))), "and an edge out of it"),
        (node(more=text(2, text(1, b"VARIABLE_VALUE") + text(3, b"gone"))), "tensor 'gone'"),
        (b"\x0a\xff\xff\xff\x7f", "holds a protobuf field of 268435455 bytes"),
        (b"\x0a" * 200, "the object graph"),
    ],
)
def test_a_false_graph_is_refused(tmp_path, graph, words):
    index = write_graph(tmp_path, graph)
    with pytest.raises(CorruptFileError) as caught:
        formats.read(index)
    assert words in str(caught.value)
    assert str(index) in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(DAMAGES)
def test_a_damaged_graph_under_true_checksums(tmp_path_factory, damages):
    graph = Bundle(GOLDEN / "objects_2.15" / "ckpt-1.index").texts(GRAPH_KEY)[0]
    index = write_graph(tmp_path_factory.mktemp("x"), damaged(graph, damages))
    text = outcome(lambda: formats.read(index))
    assert text is None or str(index) in text


GRAPHS = st.lists(
    st.dictionaries(
        st.sampled_from(["a", "b", "layer-0", "variables", "optimizer"]), st.integers()
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(GRAPHS, st.sets(st.integers(0, 11)))
def test_any_graph_names_each_variable_once(edges, variables):
    count = len(edges)
    objects = [
        Tracked(
            {name: to % count for name, to in one.items()},
            {"VARIABLE_VALUE": f"k{at}"} if at in variables else {},
        )
        for at, one in enumerate(edges)
    ]
    found = named_objects(objects)
    names = [one.name for one in found.values]
    assert len(set(names)) == len(names)
    assert len({one.key for one in found.values}) == len(names)
    assert not set(names) & set(found.ties)


def test_a_thousand_ways_to_one_place_take_no_time():
    width = 150
    layer = {f"layer-{number}": number for number in range(width)}
    objects = [Tracked(layer, {"VARIABLE_VALUE": str(at)}) for at in range(width)]
    found = named_objects(objects)
    assert len(found.values) == width
    # Every edge but the first to each object, and but those back to the root.
    assert len(found.ties) == width**2 - (width - 1) - width
