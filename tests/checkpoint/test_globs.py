"""Patterns mean what a person thinks they mean."""

from __future__ import annotations

import pytest

from kport.checkpoint import matches, rename_all
from kport.errors import UsageError

NAMES = ["encoder", "encoder.dense", "encoder.dense.kernel", "encoder2", "decoder.dense"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("encoder", ["encoder"]),
        ("encoder/**", ["encoder", "encoder.dense", "encoder.dense.kernel"]),
        ("encoder.*", ["encoder.dense"]),
        ("*", ["encoder", "encoder2"]),
        ("**", NAMES),
        ("*/dense", ["encoder.dense", "decoder.dense"]),
        ("**.kernel", ["encoder.dense.kernel"]),
        ("enc*", ["encoder", "encoder2"]),
        ("e.c", []),
    ],
)
def test_wildcards(pattern: str, expected: list[str]) -> None:
    assert [name for name in NAMES if matches(pattern, name)] == expected


@pytest.mark.parametrize(
    ("rename", "name", "expected"),
    [
        ({"old.**": "new.**"}, "old.a.b", "new.a.b"),
        ({"old.**": "**"}, "old.a.b", "a.b"),
        ({"**": "model.**"}, "a.b", "model.a.b"),
        ({"blocks.*.ln": "layers.*.norm"}, "blocks.3.ln", "layers.3.norm"),
        ({"blocks.*.ln.**": "*.norm.**"}, "blocks.3.ln.gamma", "3.norm.gamma"),
    ],
)
def test_renaming(rename: dict[str, str], name: str, expected: str) -> None:
    assert rename_all([name], rename) == {name: expected}


@pytest.mark.parametrize(
    ("names", "rename", "text"),
    [
        (["a"], {"b": "c"}, "rename: 'b' matches no name of the file"),
        (["a", "b"], {"a": "b"}, "rename: two tensors would both be named 'b'"),
        (["a.b"], {"a.*": "c"}, "have different numbers of wildcards"),
        (["a"], {"": "c"}, "expected a pattern of names"),
    ],
)
def test_a_rename_that_cannot_be_meant_is_refused(
    names: list[str], rename: dict[str, str], text: str
) -> None:
    with pytest.raises(UsageError, match=text.replace("*", r"\*")):
        rename_all(names, rename)


def test_the_first_pattern_that_matches_decides() -> None:
    rename = {"a": "b", "**": "c.**"}
    assert rename_all(["a", "x"], rename) == {"a": "b", "x": "c.x"}
