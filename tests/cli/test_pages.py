"""The small pieces that pages are made of."""

import pytest
from rich.console import Console

from kport._convert import ConvertReport
from kport.checkpoint import LoadReport, ReportLine
from kport.cli._output import plain
from kport.cli._pages import conversion_pages, size


@pytest.mark.parametrize(
    ("nbytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_951, "1.0 MB"),
        (5_000_000_000, "5.0 GB"),
        (10**15, "1.0 PB"),
        (10**19, "10,000.0 PB"),
    ],
)
def test_sizes_are_decimal(nbytes, text):
    assert size(nbytes) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("dense", "dense"),
        ("schön 層", "schön 層"),
        ("a\x1b]0;title\x07", r"a\x1b]0;title\x07"),
        ("a\r\nb\t", r"a\r\nb\t"),
        ("\u202eevil", r"\u202eevil"),
        ("\ud800", r"\ud800"),
    ],
)
def test_control_characters_are_shown_as_escapes(text, shown):
    assert plain(text) == shown


def test_a_long_report_says_how_much_it_leaves_out(capsys):
    lines = tuple(ReportLine("dropped", f"t{index}") for index in range(35))
    pages = list(conversion_pages(ConvertReport("a", "b", "bundle", LoadReport(lines))))
    for page in pages:
        Console(width=80).print(page)
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "a -> b (bundle): 35 dropped"
    assert out[1:31] == [f"  dropped t{index}" for index in range(30)]
    assert out[31:] == ["  and 5 more; --json lists all"]
