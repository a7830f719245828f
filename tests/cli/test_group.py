"""What all commands have in common: help, exit codes, errors."""

import json
import subprocess
import sys

import pytest

import kport
from kport import formats
from kport.errors import CorruptFileError, Problem, UnsafeFileError


def test_help_names_the_commands_and_every_exit_code(kport_cli):
    answer = kport_cli("--help")
    assert answer.code == 0
    for word in ("convert", "diff", "inspect", "verify"):
        assert f"  {word}" in answer.out
    for line in (
        "0   all went well",
        "1   differences were found",
        "2   the command line is wrong, or a backend it needs is not installed",
        "3   a file cannot be read, loaded or written",
        "4   a file was refused for safety",
        "70  a bug in kport",
    ):
        assert line in answer.out


@pytest.mark.parametrize("command", ["convert", "diff", "inspect", "verify"])
def test_each_command_has_examples_and_json(kport_cli, command):
    answer = kport_cli(command, "--help")
    assert answer.code == 0
    assert f"  kport {command} " in answer.out.split("Examples:")[1]
    assert "--json" in answer.out


def test_version_is_that_of_the_library(kport_cli):
    assert kport_cli("--version").out == f"kport {kport.__version__}\n"


def test_no_command_shows_the_help(kport_cli):
    answer = kport_cli()
    assert answer.code == 2
    assert answer.err.startswith("Usage: kport")


def test_an_unknown_command_is_a_usage_error(kport_cli):
    answer = kport_cli("explode")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        "Usage: kport [OPTIONS] COMMAND [ARGS]...\nkport: No such command 'explode'.\n"
    )


def test_a_missing_argument_is_json_too(kport_cli):
    answer = kport_cli("convert", "a.h5", "--json")
    assert answer.code == 2
    assert answer.json == {
        "error": {"type": "UsageError", "message": "Missing argument 'DST'.", "exit_code": 2}
    }


def test_a_path_named_json_is_no_option(kport_cli):
    answer = kport_cli("inspect", "--", "--json")
    assert (answer.code, answer.out) == (3, "")


def test_an_error_is_one_message_without_a_traceback(kport_cli, tmp_path):
    answer = kport_cli("inspect", tmp_path / "nothing")
    assert (answer.code, answer.out) == (3, "")
    assert answer.err.startswith(f"kport: {tmp_path}/nothing: no such file or directory\n")
    assert "Traceback" not in answer.err


def test_debug_adds_the_traceback(kport_cli, tmp_path):
    answer = kport_cli("--debug", "inspect", tmp_path / "nothing")
    assert answer.code == 3
    assert "Traceback (most recent call last)" in answer.err
    assert "PathNotFoundError" in answer.err


def raise_it(error):
    def read(path):
        raise error

    return read


def test_every_problem_of_an_error_is_in_the_json(kport_cli, bundle, monkeypatch):
    problems = [Problem("config.a", "is wrong", "type"), Problem("config.b", "is missing")]
    error = CorruptFileError("is damaged", path="f", problems=problems, remedy="Fetch it again.")
    monkeypatch.setattr(formats, "survey", raise_it(error))
    answer = kport_cli("inspect", bundle, "--json")
    assert answer.code == 3
    assert answer.json["error"] == {
        "type": "CorruptFileError",
        "message": str(error),
        "exit_code": 3,
        "path": "f",
        "problems": [
            {"place": "config.a", "message": "is wrong", "kind": "type"},
            {"place": "config.b", "message": "is missing", "kind": "value"},
        ],
        "remedy": "Fetch it again.",
    }
    assert answer.err == f"kport: {error}\n"


def test_a_refused_file_exits_with_4(kport_cli, bundle, monkeypatch):
    monkeypatch.setattr(formats, "survey", raise_it(UnsafeFileError("refused", path="f")))
    answer = kport_cli("inspect", bundle)
    assert (answer.code, answer.err) == (4, "kport: f: refused\n")


def test_a_bug_is_called_a_bug(kport_cli, bundle, monkeypatch):
    monkeypatch.setattr(formats, "survey", raise_it(ZeroDivisionError("oops")))
    answer = kport_cli("inspect", bundle, "--json")
    assert answer.code == 70
    assert answer.err == (
        "kport: a bug in kport: ZeroDivisionError: oops\n"
        "Run it again with --debug, and report what that prints.\n"
    )
    assert answer.json["error"]["type"] == "Bug"


def test_an_interrupt_exits_as_shells_expect(kport_cli, bundle, monkeypatch):
    monkeypatch.setattr(formats, "survey", raise_it(KeyboardInterrupt()))
    answer = kport_cli("inspect", bundle)
    assert answer.code == 130
    assert answer.err.strip() == "kport: interrupted"


def test_an_error_text_cannot_command_the_terminal(kport_cli, bundle, monkeypatch):
    error = CorruptFileError("is [bold]damaged[/bold]\x1b[2J", path="f")
    monkeypatch.setattr(formats, "survey", raise_it(error))
    assert kport_cli("inspect", bundle).err == r"kport: f: is [bold]damaged[/bold]\x1b[2J" + "\n"


def test_python_dash_m_is_the_same_program(bundle):
    done = subprocess.run(
        [sys.executable, "-m", "kport", "inspect", str(bundle), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["format"] == "bundle"
    assert done.stderr == ""
