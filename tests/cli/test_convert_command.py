"""``kport convert``: what it passes on, what it says, what it leaves alone."""

import sys

import numpy as np
import pytest

import kport
from kport._convert import ConvertReport
from kport.checkpoint import LoadReport, ReportLine
from kport.errors import UnsafeFileError


@pytest.fixture
def converted(monkeypatch):
    """Stand in for `kport.convert`; gives the calls it got."""
    calls = []

    def convert(src, dst, **options):
        print("a library that prints")
        calls.append((src, dst, options))
        lines = [ReportLine("matched", "a"), ReportLine("dropped", "opt[0]", "no such slot")]
        return ConvertReport(src, dst, "keras", LoadReport(tuple(lines)))

    monkeypatch.setattr(kport, "convert", convert)
    return calls


def test_what_was_not_a_plain_match_is_said(kport_cli, converted):
    answer = kport_cli("convert", "old.h5", "new.keras")
    assert answer.code == 0
    assert answer.out == (
        "old.h5 -> new.keras (keras): 1 matched, 1 dropped\n  dropped opt[0]: no such slot\n"
    )
    assert converted == [
        (
            "old.h5",
            "new.keras",
            {
                "sample": None,
                "custom_objects": {},
                "lambdas": {},
                "shard_size": "5GB",
                "weights_only": False,
            },
        )
    ]


def test_json_is_alone_on_stdout_whatever_a_library_prints(kport_cli, converted):
    answer = kport_cli("convert", "old.h5", "new.keras", "--json")
    assert answer.json == {
        "source": "old.h5",
        "target": "new.keras",
        "format": "keras",
        "report": {
            "matched": [{"name": "a", "detail": ""}],
            "dropped": [{"name": "opt[0]", "detail": "no such slot"}],
        },
    }
    assert answer.err == "a library that prints\n"


def test_sample_and_shard_size_are_passed_on(kport_cli, converted, tmp_path):
    np.savez(tmp_path / "truth.npz", inputs=np.ones(2), outputs=np.zeros(3))
    kport_cli("convert", "a", "b", "--sample", tmp_path / "truth.npz", "--shard-size", "10MB")
    ((_, _, options),) = converted
    assert options["sample"].inputs.tolist() == [1.0, 1.0]
    assert options["shard_size"] == "10MB"


def test_a_sample_that_is_none_stops_it_before_any_work(kport_cli, converted, tmp_path):
    np.savez(tmp_path / "truth.npz", x=np.ones(2))
    answer = kport_cli("convert", "a", "b", "--sample", tmp_path / "truth.npz")
    assert answer.code == 2
    assert "expected an array 'inputs'" in answer.err
    assert converted == []


def test_modules_of_the_user_are_imported_from_where_they_stand(
    kport_cli, converted, tmp_path, monkeypatch
):
    (tmp_path / "my_layers_of_this_test.py").write_text("LOADED = True\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "my_layers_of_this_test", raising=False)
    assert kport_cli("convert", "a", "b", "--import", "my_layers_of_this_test").code == 0
    assert sys.modules["my_layers_of_this_test"].LOADED


def test_a_module_that_fails_is_a_usage_error(kport_cli, converted):
    answer = kport_cli("convert", "a", "b", "--import", "no_such_module_here")
    assert answer.code == 2
    assert answer.err == (
        "kport: cannot import module 'no_such_module_here': "
        "ModuleNotFoundError: No module named 'no_such_module_here'\n"
        "--import takes a module's dotted name, as the statement import does.\n"
    )
    assert converted == []


def test_errors_of_the_library_keep_their_exit_code(kport_cli, monkeypatch):
    def refuse(*_, **__):
        raise UnsafeFileError("refused", path="old.h5")

    monkeypatch.setattr(kport, "convert", refuse)
    assert kport_cli("convert", "old.h5", "new.keras").code == 4


def test_a_dry_run_says_what_would_be_written_and_writes_nothing(kport_cli, bundle, tmp_path):
    target = tmp_path / "new.keras"
    answer = kport_cli("convert", bundle, target, "--dry-run", "--json")
    assert answer.code == 0
    assert answer.json == {
        "dry_run": True,
        "source": str(bundle),
        "source_format": "bundle",
        "target": str(target),
        "format": "keras",
        "replaces": False,
        "tensors": 1,
        "nbytes": 24,
        "custom": ["acme>Net"],
        "sample": False,
    }
    assert not target.exists()


def test_a_dry_run_for_a_person(kport_cli, bundle):
    answer = kport_cli("convert", bundle, bundle, "--dry-run")
    lines = [" ".join(line.split()) for line in answer.out.splitlines()]
    assert lines == [
        f"would read {bundle} (bundle)",
        f"would write {bundle} (bundle)",
        f"replacing {bundle}",
        "values 1 tensors, 24 B",
        "to register acme>Net",
    ]


def test_a_dry_run_finds_a_target_that_kport_does_not_write(kport_cli, bundle):
    answer = kport_cli("convert", bundle, "new.h5", "--dry-run")
    assert answer.code == 2
    assert "kport writes no .h5 files" in answer.err


def test_a_dry_run_finds_a_shard_size_that_is_none(kport_cli, bundle):
    answer = kport_cli("convert", bundle, "new", "--dry-run", "--shard-size", "many")
    assert answer.code == 2
    assert "many" in answer.err
