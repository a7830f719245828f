"""``kport inspect``: say what a file holds."""

from __future__ import annotations

import click

import kport
from kport.cli._options import command_settings, json_output
from kport.cli._output import Output
from kport.cli._pages import summary_pages

__all__ = ["command"]

_EPILOG = """\b
Examples:
  kport inspect model.keras
  kport inspect old.h5 --tensors
  kport inspect bundle/ --json | jq '.totals'
"""


@click.command("inspect", epilog=_EPILOG, **command_settings)
@click.argument("path")
@click.option("--tensors", is_flag=True, help="List every tensor.")
@json_output
def command(path: str, tensors: bool, as_json: bool) -> None:
    """Say what is in the file or directory PATH.

    Nothing is loaded: no value is read, and neither Keras nor a backend is needed.
    """
    summary = kport.inspect(path)
    Output(as_json).show(summary, summary_pages(summary, tensors))
