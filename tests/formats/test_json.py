import math

import pytest

from kport.errors import CorruptFileError
from kport.formats import _json
from kport.formats._json import dump_json, parse_json, shown


def test_what_is_written_is_read_and_keys_keep_their_order():
    value = {"b": [1, 2.5, None, True], "a": {"é": "\n"}}
    assert list(parse_json(dump_json(value), "x")) == ["b", "a"]
    assert parse_json(dump_json(value), "x") == value


def test_sorted_and_compact():
    assert dump_json({"b": 1, "a": "é"}, sort_keys=True, indent=None) == b'{"a":"\xc3\xa9","b":1}\n'


def test_infinity_and_nan_pass_both_ways():
    low, nan = parse_json(dump_json([-math.inf, math.nan]), "x")
    assert low == -math.inf
    assert math.isnan(nan)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b'{"a": 1, "b": {"k": 1, "k": 2}}', "config.json holds the key 'k' twice in one object"),
        (b'{"a": ', "config.json is not valid JSON: Expecting value"),
        (b"[" * 100_000, "config.json is not valid JSON: maximum recursion depth exceeded"),
        (b"\xff", "config.json is not valid JSON: 'utf-8' codec can't decode byte 0xff"),
        (b'["\\ud800"]', "config.json is not valid JSON: 'utf-8' codec can't encode"),
        (b"[" + b"9" * 5000 + b"]", "config.json is not valid JSON: Exceeds the limit"),
        (b"", "config.json is not valid JSON: Expecting value"),
    ],
)
def test_hostile_json(data, text):
    with pytest.raises(CorruptFileError) as caught:
        parse_json(data, "config.json")
    assert str(caught.value).startswith(text)


def test_a_pair_of_surrogates_is_a_character():
    assert parse_json(b'"\\ud83d\\ude00"', "x") == "\N{GRINNING FACE}"


def test_too_long(monkeypatch):
    monkeypatch.setattr(_json, "MAX_JSON_BYTES", 3)
    with pytest.raises(CorruptFileError) as caught:
        parse_json(b"[1, 2]", "x.json")
    assert str(caught.value) == "x.json is 6 bytes of JSON, and at most 3 are read"


def test_names_are_shown_escaped_and_not_endless():
    assert shown("a\x1b[31m\n") == r"'a\x1b[31m\n'"
    assert len(shown("x" * 10_000)) == 105
