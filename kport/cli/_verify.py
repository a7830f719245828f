"""``kport verify``: prove that files give the same outputs on every backend."""

from __future__ import annotations

from dataclasses import dataclass

import click

import kport
from kport._integrity import IntegrityReport
from kport.checkpoint import JSON
from kport.cli._options import command_settings, imports, json_output, read_sample, sample
from kport.cli._output import Output
from kport.cli._pages import integrity_pages, parity_pages
from kport.errors import CorruptFileError

__all__ = ["Reports", "command"]

_EPILOG = """\b
Examples:
  kport verify model.keras
  kport verify old.h5 bundle/ model.keras --sample truth.npz
  kport verify bundle/ --backend jax --backend torch --json
  kport verify bundle/ --integrity
"""


@dataclass(frozen=True, slots=True)
class Reports:
    """What ``--integrity`` found, one report a path."""

    reports: tuple[IntegrityReport, ...]

    @property
    def exit_code(self) -> int:
        """3, that of a file that cannot be read, where one is damaged."""
        return 0 if all(one.ok for one in self.reports) else CorruptFileError.exit_code

    def to_json(self) -> JSON:
        """Return the reports as plain JSON values."""
        return {"ok": self.exit_code == 0, "paths": [one.to_json() for one in self.reports]}


@click.command("verify", epilog=_EPILOG, **command_settings)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--backend",
    "backends",
    metavar="NAME",
    multiple=True,
    help="tensorflow, jax or torch; repeatable. Default: all that are installed.",
)
@click.option(
    "--integrity",
    is_flag=True,
    help="Only hold every byte against the checksums in PATH; needs neither Keras nor a backend.",
)
@sample
@imports
@json_output
def command(
    paths: tuple[str, ...],
    backends: tuple[str, ...],
    integrity: bool,
    sample: str | None,
    modules: tuple[str, ...],
    as_json: bool,
) -> int:
    """Load each PATH on each backend, run it, and compare the outputs.

    They are compared with the true outputs of the sample, or of the file's own sample; without
    either, with those of the first backend. Exits with 1 if a difference is over the tolerance,
    with 3 or 4 if a file does not load.

    With --integrity nothing is loaded; exits with 3 if a byte is not as it was written.
    """
    output = Output(as_json)
    if integrity:
        reports = Reports(tuple(kport.check(path) for path in paths))
        output.show(reports, integrity_pages(reports))
        return reports.exit_code
    given = read_sample(sample)
    with output.working(f"verifying {len(paths)} path(s)"):
        report = kport.verify(paths, backends=backends or None, sample=given, imports=modules)
    output.show(report, parity_pages(report))
    return report.exit_code
