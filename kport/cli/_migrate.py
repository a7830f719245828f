"""``kport migrate``: convert every legacy model of a folder."""

from __future__ import annotations

import click

import kport
from kport.cli._options import command_settings, imports, json_output
from kport.cli._output import Output
from kport.cli._pages import migration_pages
from kport.migration import ENDINGS

__all__ = ["command"]

_EPILOG = """\b
Examples:
  kport migrate old_models/ new_models/
  kport migrate . migrated/ --to bundle --jobs 4
  kport migrate old_models/ new_models/ --import my_layers --json
"""


@click.command("migrate", epilog=_EPILOG, **command_settings)
@click.argument("src")
@click.argument("dst")
@click.option(
    "--to",
    default="keras",
    show_default=True,
    type=click.Choice(list(ENDINGS)),
    help="Archives, or directories with safetensors.",
)
@click.option(
    "--jobs",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="How many models to convert at a time.",
)
@imports
@json_output
def command(src: str, dst: str, to: str, jobs: int, modules: tuple[str, ...], as_json: bool) -> int:
    """Convert every legacy model below the folder SRC, to the same place below DST.

    What cannot be converted stops nothing and is listed with the reason; what is at a target
    already stays, so the command can be run again. DST/migration.json says what became of each
    model. Exits with 3 or 4 if a model could not be converted.
    """
    output = Output(as_json)
    with output.counting(f"looking through {src}") as progress:
        report = kport.migrate(src, dst, to=to, imports=modules, jobs=jobs, progress=progress)
    output.show(report, migration_pages(report))
    return report.exit_code
