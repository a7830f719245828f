"""The waist refuses what contradicts itself, with every problem and its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kport.checkpoint import (
    DTYPES,
    Checkpoint,
    Kind,
    LazyTensor,
    LoadReport,
    ModelSpec,
    Naming,
    Position,
    ReportLine,
    Sample,
    dtype_name,
    load_sample,
    numpy_dtype,
    parse_spec,
    unflatten,
    validate_spec,
)
from kport.errors import CorruptFileError, InvalidSpecError, PathNotFoundError, UsageError

CONFIG = {"class_name": "Sequential", "config": {"name": "m"}}
SPEC = ModelSpec(
    config=CONFIG,
    signature={"left": {"shape": [None, 2], "dtype": "float32"}, "right": [None]},
    components={"acme>Layer": 2},
    frozen=(".", "a.kernel"),
    trained={"optimizer": ("b",)},
    ties={"z": "a"},
)


def tensor(name: str, **changes: Any) -> LazyTensor:
    one = LazyTensor(name, (2, 3), "float32", Kind.PARAMETER, lambda: np.ones((2, 3), "float32"))
    return replace(one, **changes)


def test_a_spec_survives_json() -> None:
    assert parse_spec(SPEC.to_json(), CONFIG) == SPEC


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"components": {"a": 0}}, "spec.components['a']: is 0, expected a whole number >= 1"),
        ({"components": {"a": True}}, "spec.components['a']: is True, expected a whole number"),
        ({"components": []}, "spec.components: is [], expected an object"),
        ({"frozen": [1]}, "spec.frozen[0]: is 1, expected a non-empty string"),
        ({"frozen": "a"}, "spec.frozen: is 'a', expected a list of strings"),
        ({"trained": {"o": "x"}}, "spec.trained['o']: is 'x', expected a list of strings"),
        ({"ties": {"a": None}}, "spec.ties['a']: is missing, expected a non-empty string"),
        ({"signature": 3}, "spec.signature: is 3, expected an object"),
        (
            {"signature": {"shape": [None, -1], "dtype": "float32"}},
            "spec.signature.shape[1]: is -1, expected a dimension",
        ),
        ({"later": 1}, "spec.later: is not a field this version of kport knows"),
    ],
)
def test_each_wrong_field_is_named_with_what_was_found(change: Any, problem: str) -> None:
    problems = [str(one) for one in validate_spec({**SPEC.to_json(), **change}, CONFIG)]
    assert len(problems) == 1
    assert problems[0].startswith(problem)


def test_all_problems_come_at_once() -> None:
    with pytest.raises(InvalidSpecError) as caught:
        parse_spec({"components": 1, "frozen": 2, "ties": 3}, {})
    places = [problem.place for problem in caught.value.problems]
    assert places == ["spec.components", "spec.frozen", "spec.ties", "config"]


def test_a_tensor_reads_whole_or_in_part() -> None:
    one = tensor("a", source=lambda: np.arange(6, dtype="float32").reshape(2, 3))
    assert one.read().tolist() == [[0, 1, 2], [3, 4, 5]]
    assert one.read((slice(1, 2), 0)).tolist() == [3]
    assert (one.size, one.nbytes) == (6, 24)


@pytest.mark.parametrize("wrong", [np.ones((3, 2), "float32"), np.ones((2, 3), "float64")])
def test_a_source_that_gives_something_else_is_caught(wrong: Any) -> None:
    with pytest.raises(CorruptFileError, match=r"tensor 'a' was declared as float32\[2, 3\] and"):
        tensor("a", source=lambda: wrong).read()


def test_contradicting_tensors_are_refused_together() -> None:
    tensors = {"a": tensor("a"), "b": tensor("c"), "z": tensor("z", order=(1, 1))}
    spec = replace(SPEC, ties={"z": "a", "y": "x", "x": "a"})
    with pytest.raises(InvalidSpecError) as caught:
        Checkpoint(spec, tensors)
    assert [str(problem) for problem in caught.value.problems] == [
        "tensors['b']: is named 'c'",
        "tensors['z'].order: is [1, 1], not each of 2 axes once",
        "spec.ties['z']: is stored as a tensor too",
        "spec.ties['y']: leads to another tie, 'x'",
    ]


@pytest.mark.parametrize(
    ("naming", "place"),
    [
        (Naming.KERAS, {"keras_path": "layers/dense/vars/0"}),
        (Naming.POSITION, {"position": Position("dense", 0)}),
    ],
)
def test_two_tensors_cannot_claim_one_place(naming: Naming, place: Any) -> None:
    tensors = {name: tensor(name, **place) for name in ("a", "b")}
    with pytest.raises(InvalidSpecError, match=r"tensors\['b'\]: claims the place of 'a'"):
        Checkpoint(ModelSpec(CONFIG), tensors, naming=naming)


def test_kinds_pick_tensors_in_order() -> None:
    tensors = {"b": tensor("b", kind=Kind.SEED), "a": tensor("a"), "c": tensor("c")}
    checkpoint = Checkpoint(ModelSpec(CONFIG), tensors)
    assert list(checkpoint.of_kind(Kind.PARAMETER)) == ["a", "c"]
    assert checkpoint.nbytes == 72


def test_dtype_names_are_numpys_whatever_the_byte_order() -> None:
    for name in DTYPES:
        assert dtype_name(numpy_dtype(name)) == name
    assert dtype_name(np.dtype(">f4")) == "float32"
    for other in (np.dtype("U3"), np.dtype(object), np.dtype("f4,i4")):
        with pytest.raises(KeyError):
            dtype_name(other)


def test_a_report_counts_and_groups() -> None:
    report = LoadReport((ReportLine("matched", "a"), ReportLine("dropped", "b", "why")))
    assert (report.matched, report.dropped, report.refused) == (("a",), ("b",), ())
    assert str(report) == "1 matched, 1 dropped"
    assert str(LoadReport()) == "nothing"
    assert report.to_json()["dropped"] == [{"name": "b", "detail": "why"}]


NESTED = {"x": np.ones(2), "y": [np.zeros(1), {"z": np.ones(3)}]}


def test_a_sample_flattens_and_comes_back() -> None:
    arrays = Sample(NESTED, np.ones(4)).arrays()
    assert sorted(arrays) == ["inputs.x", "inputs.y.0", "inputs.y.1.z", "outputs"]
    back = unflatten(arrays, "inputs")
    assert back["y"][1]["z"].tolist() == [1, 1, 1]
    assert unflatten(arrays, "nothing") is None


def test_a_sample_file_is_checked(tmp_path: Path) -> None:
    good, bad, pickled = (tmp_path / name for name in ("good.npz", "bad.npz", "pickled.npz"))
    np.savez(good, inputs=np.ones(2), outputs=np.ones(3))
    assert load_sample(good).outputs.shape == (3,)
    np.savez(bad, x=np.ones(2))
    with pytest.raises(UsageError, match=r"bad\.npz: holds \['x'\]; expected an array 'inputs'"):
        load_sample(bad)
    np.savez(pickled, inputs=np.array([{}], dtype=object))
    with pytest.raises(CorruptFileError, match=r"pickled\.npz: is no \.npz file of plain arrays"):
        load_sample(pickled)
    with pytest.raises(PathNotFoundError, match=r"nowhere\.npz: no such file"):
        load_sample(tmp_path / "nowhere.npz")
