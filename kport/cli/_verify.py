"""``kport verify``: prove that files give the same outputs on every backend."""

from __future__ import annotations

import click

import kport
from kport.cli._options import command_settings, imports, json_output, read_sample, sample
from kport.cli._output import Output
from kport.cli._pages import parity_pages

__all__ = ["command"]

_EPILOG = """\b
Examples:
  kport verify model.keras
  kport verify old.h5 bundle/ model.keras --sample truth.npz
  kport verify bundle/ --backend jax --backend torch --json
"""


@click.command("verify", epilog=_EPILOG, **command_settings)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--backend",
    "backends",
    metavar="NAME",
    multiple=True,
    help="tensorflow, jax or torch; repeatable. Default: all that are installed.",
)
@sample
@imports
@json_output
def command(
    paths: tuple[str, ...],
    backends: tuple[str, ...],
    sample: str | None,
    modules: tuple[str, ...],
    as_json: bool,
) -> int:
    """Load each PATH on each backend, run it, and compare the outputs.

    They are compared with the true outputs of the sample, or of the file's own sample; without
    either, with those of the first backend. Exits with 1 if a difference is over the tolerance,
    with 3 or 4 if a file does not load.
    """
    output = Output(as_json)
    given = read_sample(sample)
    with output.working(f"verifying {len(paths)} path(s)"):
        report = kport.verify(paths, backends=backends or None, sample=given, imports=modules)
    output.show(report, parity_pages(report))
    return report.exit_code
