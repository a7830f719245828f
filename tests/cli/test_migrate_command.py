"""``kport migrate``: what it passes on, and what it says."""

import pytest

import kport
from kport.migration import MigrationReport, MigrationRow, Outcome


@pytest.fixture
def migrated(monkeypatch):
    """Stand in for `kport.migrate`; gives the calls it got."""
    calls = []

    def migrate(src, dst, *, progress, **options):
        print("a library that prints")
        progress(0, 2, "old/a.h5")
        calls.append((src, dst, options))
        rows = (
            MigrationRow("old/a.h5", "h5", Outcome.MIGRATED, "new/a.keras", "2 matched"),
            MigrationRow("old/b.h5", "h5", Outcome.REFUSED, "", "old/b.h5: no\x1b[31m\n- x", 4),
        )
        return MigrationReport(src, dst, rows)

    monkeypatch.setattr(kport, "migrate", migrate)
    return calls


def test_what_is_not_converted_is_said(kport_cli, migrated):
    answer = kport_cli("migrate", "old", "new", "--to", "bundle", "--jobs", 3, "--import", "m")
    assert answer.code == 4
    assert answer.out == ("refused old/b.h5: no\\x1b[31m\n- x\nold -> new: 1 migrated, 1 refused\n")
    assert migrated == [("old", "new", {"to": "bundle", "jobs": 3, "imports": ("m",)})]


def test_json_is_alone_on_stdout(kport_cli, migrated):
    answer = kport_cli("migrate", "old", "new", "--json")
    assert answer.json["counts"] == {"migrated": 1, "refused": 1}
    assert answer.json["rows"][0]["target"] == "new/a.keras"
    assert answer.err == "a library that prints\n"


@pytest.mark.parametrize("words", [("--to", "h5"), ("--jobs", 0)])
def test_wrong_options_end_with_2(kport_cli, migrated, words):
    assert kport_cli("migrate", "old", "new", *words).code == 2
    assert migrated == []
