"""``kport diff``: say how two files differ."""

from __future__ import annotations

import click

import kport
from kport.cli._options import command_settings, json_output
from kport.cli._output import Output
from kport.cli._pages import diff_pages

__all__ = ["command"]

_EPILOG = """\b
Examples:
  kport diff epoch-1/ epoch-2/
  kport diff model.keras bundle/
  kport diff before.keras after.keras --json | jq '.differences[].place'
"""


@click.command("diff", epilog=_EPILOG, **command_settings)
@click.argument("first")
@click.argument("second")
@json_output
def command(first: str, second: str, as_json: bool) -> int:
    """Say how SECOND differs from FIRST: definition, flags and values.

    Exits with 1 if anything does. Neither Keras nor a backend is needed, and values that both
    files have the same checksum of are not read.
    """
    output = Output(as_json)
    with output.working("comparing"):
        found = kport.diff(first, second)
    output.show(found, diff_pages(found))
    return found.exit_code
