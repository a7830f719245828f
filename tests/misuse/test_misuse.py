"""Wrong arguments and wrong files: one message of ours, never a traceback."""

from __future__ import annotations

import contextlib
import inspect
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import kport
from kport.cli._group import cli
from kport.errors import KportError

WRONG = [None, 3, 1.5, b"x", object(), [], {}, True, "", "\0", "a" * 5000, "no/such/thing"]
BY_PATH = ("inspect", "check", "diff", "verify", "convert")
EMPTY_ZIP = b"PK\x05\x06" + bytes(18)
FILES = {
    "empty.keras": b"",
    "text.keras": b"hello",
    "zip.keras": EMPTY_ZIP,
    "empty.h5": b"",
    "text.h5": b"hello",
    "archive.h5": EMPTY_ZIP,
    "half.h5": b"\x89HDF\r\n\x1a\n",
    "empty.json": b"",
    "list.json": b"[1]",
    "other.json": b'{"class_name": 3}',
    "x.safetensors": b"1",
    "x.weights.h5": b"",
    "x.npz": EMPTY_ZIP,
    "x.index": b"",
    "x.pb": b"hello",
    "saved/saved_model.pb": b"",
    "bundle/kport.json": b'{"format": "kport-bundle"}',
    "text/kport.json": b"hello",
}

# What inspect shows with the reason why it does not load.
SHOWN = ("other.json",)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of files that are not what their names say."""
    root = tmp_path_factory.mktemp("wrong")
    for name, content in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(content)
    (root / "folder.keras").mkdir()
    (root / "folder").mkdir()
    os.mkfifo(root / "pipe.keras")
    (root / "circle").symlink_to(root / "circle")
    with zipfile.ZipFile(root / "other.keras", "w") as archive:
        archive.writestr("notes.txt", "not a model")
    return root


def named(root: Path) -> list[Path]:
    """Everything in the folder, a path below a file, and the folder itself."""
    return [*sorted(root.iterdir()), root / "text.keras" / "below", root]


def refused(call, *arguments, **options):
    with pytest.raises(KportError) as caught:
        call(*arguments, **options)
    text = str(caught.value)
    assert text
    assert "Traceback" not in text
    assert caught.value.exit_code in (2, 3, 4)
    return text


def second(name: str, first: object, folder: Path) -> list[object]:
    """The second path of functions and commands that take two."""
    return {"convert": [folder / "out"], "diff": [first]}.get(name, [])


@pytest.mark.parametrize("name", BY_PATH)
@pytest.mark.parametrize("wrong", WRONG, ids=lambda one: repr(one)[:20])
def test_what_is_no_path(name, wrong, tmp_path):
    refused(getattr(kport, name), wrong, *second(name, wrong, tmp_path))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", BY_PATH)
def test_files_that_are_not_what_their_names_say(name, folder, tmp_path):
    for path in named(folder):
        if name == "inspect" and path.name in SHOWN:
            assert kport.inspect(path).obstacles
            continue
        text = refused(getattr(kport, name), path, *second(name, path, tmp_path))
        assert path.name in text


@pytest.mark.parametrize("target", [None, 3, "", "x.h5", "x.pb", "s.safetensors"])
def test_targets_that_nothing_can_be_written_to(target):
    refused(kport.convert, "examples/legacy/digits.h5", target)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"backends": 3}, "backends: expected a list of names, got 3"),
        ({"backends": "torch"}, "backends: expected a list of names, got 'torch'"),
        ({"backends": ["caffe"]}, "unknown backends: caffe"),
        ({"imports": "mine"}, "imports: expected a list of names, got 'mine'"),
        ({"sample": [1]}, r"sample: expected a kport.Sample, got \[1\]"),
    ],
)
def test_options_of_verify(options, words):
    with pytest.raises(KportError, match=words):
        kport.verify("examples/legacy/digits.h5", **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sample": 3}, "sample: expected a kport.Sample, got 3"),
        ({"custom_objects": 3}, "custom_objects: expected name -> class or function, got 3"),
        ({"shard_size": "big"}, "expected a size such as 5GB or 500MB, got 'big'"),
        ({"shard_size": None}, "expected a size"),
        ({"shard_size": 0}, "expected a size of at least one byte"),
    ],
)
def test_options_of_convert(options, words, tmp_path):
    with pytest.raises(KportError, match=words):
        kport.convert("examples/legacy/digits.h5", tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def command_line(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(cli, [str(word) for word in words], prog_name="kport")
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stderr


@pytest.mark.parametrize("command", ["inspect", "diff", "verify", "verify --integrity", "convert"])
def test_the_command_line_says_it_in_one_message(command, folder, tmp_path):
    paths = [one for one in named(folder) if command != "inspect" or one.name not in SHOWN]
    for path in [*paths, "", "no/such", "a" * 5000]:
        code, text = command_line(*command.split(), path, *second(command, path, tmp_path))
        assert code in (2, 3, 4)
        assert text.startswith("kport: ")
        assert "Traceback" not in text
        assert text.count("kport: ") == 1
    assert not (tmp_path / "out").exists()


def test_a_traceback_is_there_for_who_asks(folder):
    code, text = command_line("--debug", "inspect", folder / "text.keras")
    assert code == 3
    assert "Traceback" in text


@pytest.mark.parametrize(
    "words", [(), ("nope",), ("inspect",), ("inspect", "--nope"), ("convert", "one"), ("verify",)]
)
def test_half_a_command_line(words):
    code, text = command_line(*words)
    assert code == 2
    assert text


def test_an_interpreter_without_a_terminal(folder):
    done = subprocess.run(
        [sys.executable, "-m", "kport", "inspect", str(folder / "empty.h5")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"kport: {folder / 'empty.h5'}: ")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="dense")])
    path = tmp_path_factory.mktemp("saved") / "bundle"
    kport.save(model, path)
    return model, path


@pytest.mark.backend
@pytest.mark.parametrize("name", ["save", "load_weights", "freeze", "unfreeze", "report_of"])
@pytest.mark.parametrize("wrong", [None, 3, "x", object(), dict], ids=str)
def test_what_is_no_model(name, wrong, saved, tmp_path):
    arguments = {
        "save": (tmp_path / "out",),
        "load_weights": (saved[1],),
        "report_of": (),
    }.get(name, ("**",))
    refused(getattr(kport, name), wrong, *arguments)
    assert not (tmp_path / "out").exists()


@pytest.mark.backend
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"part": 3}, "part: expected the attribute path of a part, got 3"),
        ({"part": ""}, "part: expected the attribute path of a part, got ''"),
        ({"part": "nope"}, "nope"),
        ({"parts": 3}, "parts: expected attribute path -> a path or a model, got 3"),
        ({"custom_objects": 3}, "custom_objects: expected name -> class or function, got 3"),
        ({"custom_objects": {3: 3}}, "custom_objects: expected name -> class or function"),
        ({"check": "slow"}, "check is 'slow', expected 'fast', 'full' or False"),
    ],
)
def test_options_of_load(options, words, saved):
    with pytest.raises(KportError, match=words):
        kport.load(saved[1], **options)


@pytest.mark.backend
def test_files_that_cannot_be_loaded(folder, saved):
    for path in named(folder):
        refused(kport.load, path)
        refused(kport.load_weights, saved[0], path)


@pytest.mark.backend
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sample": object()}, "the sample cannot be run through the model"),
        ({"sample": np.ones((2, 9), "f4")}, "the sample cannot be run through the model"),
        ({"split": 3}, "split: expected attribute paths, got 3"),
        ({"split": ["nope"]}, "nope"),
        ({"part": 3}, "part: expected the attribute path of a part, got 3"),
        ({"shard_size": "big"}, "expected a size such as 5GB"),
    ],
)
def test_options_of_save(options, words, saved, tmp_path):
    with pytest.raises(KportError, match=words):
        kport.save(saved[0], tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


@pytest.mark.backend
@pytest.mark.parametrize("rename", [3, [("a", "b")], {1: "x"}, {"nope": "x"}])
def test_options_of_load_weights(rename, saved):
    refused(kport.load_weights, *saved, rename=rename)


CALLS = {
    "save": lambda model, path, out: (model, out),
    "load": lambda model, path, out: (path,),
    "load_weights": lambda model, path, out: (model, path),
    "convert": lambda model, path, out: (path, out),
    "diff": lambda model, path, out: (path, path),
    "inspect": lambda model, path, out: (path,),
    "migrate": lambda model, path, out: (path.parent, out),
    "check": lambda model, path, out: (path,),
    "freeze": lambda model, path, out: (model, "dense"),
    "unfreeze": lambda model, path, out: (model, "dense"),
    "report_of": lambda model, path, out: (model,),
}
ODD = [3.5, object(), b"x", [object()], {1: 2}, {"a": object()}, "nope", -1, ["nope"], None, dict]


# Keras says so of a list where one tensor is expected, and takes it.
@pytest.mark.filterwarnings("ignore:(?s).*The structure of `inputs`:UserWarning")
@pytest.mark.backend
@pytest.mark.parametrize("name", CALLS)
def test_every_option_of_every_function(name, saved, tmp_path):
    """An option that is added is tried, too: it does what it says, or an error of ours says why."""
    call = getattr(kport, name)
    for option in inspect.signature(call).parameters.values():
        for wrong in ODD if option.default is not option.empty else ():
            out = tmp_path / f"{option.name} {ODD.index(wrong)}"
            with contextlib.suppress(KportError):
                call(*CALLS[name](*saved, out), **{option.name: wrong})


def test_every_function_is_tried():
    functions = {name for name in kport.__all__ if inspect.isfunction(getattr(kport, name))}
    assert functions == {*CALLS, "register", "verify"}


@pytest.mark.parametrize("option", ["package", "name", "version", "aliases"])
@pytest.mark.parametrize(
    "wrong",
    [3.5, object(), b"x", [object()], -1, "", "a>b", dict],
    ids=lambda one: f"{type(one).__name__} {str(one)[:3]}",
)
def test_options_of_register(option, wrong):
    class Misused:
        pass

    with contextlib.suppress(KportError):
        kport.register(**{"package": "misuse", option: wrong})(Misused)


@pytest.mark.backend
@pytest.mark.parametrize("pattern", [3, None, "", "nope"])
def test_patterns_that_match_nothing(pattern, saved):
    refused(kport.freeze, saved[0], pattern)
