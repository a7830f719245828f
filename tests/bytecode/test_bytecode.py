"""Functions marshalled by nine Pythons, read as text; see tests/golden/scripts/make_lambdas.py."""

import base64
import marshal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kport.bytecode import expression, listing, read_code, text_of
from kport.errors import CorruptFileError

FILES = sorted(Path(__file__).parent.glob("python_*.txt"))
TEXTS = [
    "(x / 127.5) - 1.0",
    "K.mean(t, axis=1)",
    "x[:, -1, :]",
    "x[:, 1:]",
    "x[..., 0:2]",
    "x[1:3]",
    "K.abs(ts[0] - ts[1])",
    "tf.reshape(x, [-1, 3, 4])",
    "tf.concat([x, x], axis=-1)",
    "tf.image.resize(x, (4, 4), method='bilinear')",
    "-(x ** 2)",
    "x.shape[0]",
    "K.mean(x[0], axis=1, keepdims=True) * x[1]",
    None,
]


def lines(path):
    return path.read_text().split()


def version(path):
    return path.stem.removeprefix("python_")


@pytest.mark.parametrize("path", FILES, ids=version)
def test_what_each_python_wrote_is_read(path):
    found = [expression(read_code(line)) for line in lines(path)]
    texts = [node and text_of(node).replace("/ of Python 2", "/") for node in found]
    assert texts == ([None] * len(TEXTS) if version(path) == "3.13" else TEXTS)


def test_every_python_is_there():
    assert [version(path) for path in FILES] == [
        "2.7",
        "3.10",
        "3.11",
        "3.12",
        "3.13",
        "3.6",
        "3.7",
        "3.8",
        "3.9",
    ]


@pytest.mark.parametrize("path", FILES, ids=version)
def test_a_function_with_branches_is_listed(path):
    text = listing(read_code(lines(path)[-1]))
    assert text.startswith("lambda(x), names K, ndim, abs, constants")
    assert ("LOAD_GLOBAL K" in text) == (version(path) != "3.13")


def test_an_expression_is_listed_as_it_was_written():
    path = next(path for path in FILES if version(path) == "3.8")
    assert listing(read_code(lines(path)[0])) == "lambda x: (x / 127.5) - 1.0"


def test_the_raw_form_of_keras_1_is_read():
    path = next(path for path in FILES if version(path) == "3.6")
    data = base64.b64decode(lines(path)[1])
    assert listing(read_code(data.decode("raw_unicode_escape"))) == "lambda t: K.mean(t, axis=1)"


@pytest.mark.parametrize("text", ["", "YWJj", "no base64 at all", "é" * 10, "x" * 500_000, None, 3])
def test_anything_else_is_refused(text):
    with pytest.raises(CorruptFileError):
        read_code(text)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.data())
def test_damaged_code_is_refused_or_read_and_never_more(data):
    path = data.draw(st.sampled_from(FILES))
    code = bytearray(base64.b64decode(data.draw(st.sampled_from(lines(path)))))
    for _ in range(data.draw(st.integers(1, 4))):
        code[data.draw(st.integers(0, len(code) - 1))] = data.draw(st.integers(0, 255))
    start = time.monotonic()
    with suppress(CorruptFileError):
        listing(read_code(base64.b64encode(bytes(code)).decode()))
    assert time.monotonic() - start < 2


def test_a_variable_used_over_and_over_does_not_grow_without_end():
    code = compile("def f(x):\n" + " x = x + x\n" * 60 + " return x\n", "f", "exec")
    inner = next(one for one in code.co_consts if hasattr(one, "co_code"))
    text = base64.b64encode(marshal.dumps(inner)).decode()
    start = time.monotonic()
    assert expression(read_code(text)) is None
    assert time.monotonic() - start < 2
