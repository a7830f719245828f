"""Differences are measured the way a person would, and seeded inputs fit the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kport.checkpoint import Checkpoint, ModelSpec, Sample
from kport.errors import LoadError, UsageError
from kport.parity._compare import compare, tolerance_of
from kport.parity._inputs import sample_for

NAN, INF = float("nan"), float("inf")


def one(*values: float) -> dict[str, Any]:
    return {"outputs": np.array(values, "float32")}


def test_relative_is_to_the_largest_magnitude() -> None:
    assert compare(one(1, 200), one(1, 100)) == (100, 1)
    assert compare(one(0.5, 0), one(0, 0)) == (0.5, 0.5)
    assert compare(one(), one()) == (0, 0)


@pytest.mark.parametrize(
    ("got", "expected", "equal"),
    [
        ((NAN, 1), (NAN, 1), True),
        ((INF, 1), (INF, 1), True),
        ((NAN, 1), (2, 1), False),
        ((2, 1), (NAN, 1), False),
        ((INF, 1), (-INF, 1), False),
        ((1, 1), (INF, 1), False),
    ],
)
def test_what_is_not_finite_agrees_only_with_itself(got: Any, expected: Any, equal: bool) -> None:
    assert (compare(one(*got), one(*expected))[1] == 0) is equal
    assert (compare(one(*got), one(*expected))[1] > 1) is not equal


def test_integers_do_not_wrap_around() -> None:
    got, expected = ({"outputs": np.array([value], "uint8")} for value in (1, 2))
    assert compare(got, expected) == (1, 0.5)


def test_other_outputs_are_an_error_not_a_number() -> None:
    with pytest.raises(LoadError, match=r"gives the outputs \['a'\]; expected \['outputs'\]"):
        compare({"a": np.ones(1)}, one(1))
    with pytest.raises(LoadError, match=r"gives outputs of shape \(2,\); expected \(1,\)"):
        compare(one(1, 2), one(1))


def test_the_coarsest_dtype_sets_the_tolerance() -> None:
    assert tolerance_of({"float32", "bfloat16"}) == tolerance_of({"bfloat16"}) > 1e-2
    assert tolerance_of({"float32"}) == tolerance_of(set()) == 1e-5


def checkpoint(signature: Any, config: Any = None) -> Checkpoint:
    return Checkpoint(ModelSpec({"class_name": "M", "config": config}, signature), {})


def test_seeded_inputs_have_the_shapes_and_stay_inside_vocabularies() -> None:
    signature = {
        "words": {"shape": [None, None], "dtype": "int32"},
        "rest": [{"shape": [2, 3], "dtype": "float16"}, {"shape": [None], "dtype": "bool"}],
    }
    embedding = {"layers": [{"class_name": "Embedding", "config": {"input_dim": 3}}]}
    sample = sample_for(checkpoint(signature, embedding), None)
    assert sample.inputs["words"].shape == (4, 8)
    assert sample.inputs["words"].max() == 2
    assert [one.dtype.name for one in sample.inputs["rest"]] == ["float16", "bool"]
    assert sample.inputs["rest"][0].shape == (2, 3)
    again = sample_for(checkpoint(signature, embedding), None)
    np.testing.assert_array_equal(again.inputs["words"], sample.inputs["words"])
    assert sample.outputs is None


def test_a_given_sample_comes_first() -> None:
    given = Sample(np.ones(1))
    assert sample_for(checkpoint(None), given) is given


def test_unknown_inputs_say_what_to_do() -> None:
    with pytest.raises(UsageError, match=r"kport verify --sample FILE\.npz"):
        sample_for(checkpoint(None), None)
    with pytest.raises(UsageError, match="takes strings"):
        sample_for(checkpoint({"shape": [None], "dtype": "string"}), None)
