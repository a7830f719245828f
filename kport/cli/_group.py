"""The group of commands: finds them lazily, and turns every failure into one message."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

from kport import __version__
from kport.cli._output import Output
from kport.errors import KportError

__all__ = ["Group", "main"]

# Command -> its module, which has it by the name `command`.
_MODULES = {
    "convert": "kport.cli._convert",
    "diff": "kport.cli._diff",
    "inspect": "kport.cli._inspect",
    "migrate": "kport.cli._migrate",
    "verify": "kport.cli._verify",
}
_BUG = 70  # EX_SOFTWARE of sysexits.h
_INTERRUPTED = 130  # 128 + SIGINT, as shells have it

_EPILOG = """\b
Examples:
  kport inspect model.keras
  kport convert old.h5 model.keras
  kport verify model.keras bundle/
  kport diff before/ after/
  kport migrate old_models/ new_models/

\b
Exit codes:
  0   all went well
  1   differences were found
  2   the command line is wrong, or a backend it needs is not installed
  3   a file cannot be read, loaded or written
  4   a file was refused for safety
  70  a bug in kport
"""


class Group(click.Group):
    """Commands by name, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, sorted."""
        return sorted(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, None if there is none."""
        if cmd_name not in _MODULES:
            return None
        command: click.Command = import_module(_MODULES[cmd_name]).command
        return command

    def main(  # type: ignore[override]  # click's overloads promise what standalone_mode decides
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        **extra: Any,
    ) -> NoReturn:
        """Run a command line and exit with its status."""
        given = list(sys.argv[1:] if args is None else args)
        try:
            extra["standalone_mode"] = False
            status = super().main(given, prog_name or "kport", **extra)
        except Exception as error:  # noqa: BLE001  # the last frame of the program: every one ends here
            status = _report(error, given)
        sys.exit(status or 0)


def _report(error: Exception, args: Sequence[str]) -> int:
    """Say what went wrong, and return the exit status for it."""
    # The error may be about the options themselves, so they are looked for in the raw words.
    words = args[: args.index("--")] if "--" in args else args
    output = Output("--json" in words)
    if "--debug" in words:
        output.log("".join(traceback.format_exception(error)))
    if isinstance(error, click.exceptions.Abort):
        output.log("kport: interrupted")
        return _INTERRUPTED
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        output.log(error.format_message())  # a question, not a mistake: the help is the answer
        return error.exit_code
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        if context is not None:
            output.log(context.get_usage())
        output.error(error.format_message(), "UsageError", error.exit_code)
        return error.exit_code
    if isinstance(error, KportError):
        output.kport_error(error)
        return error.exit_code
    text = f"a bug in kport: {type(error).__name__}: {error}"
    output.error(f"{text}\nRun it again with --debug, and report what that prints.", "Bug", _BUG)
    return _BUG


@click.command(
    cls=Group,
    epilog=_EPILOG,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks of errors.")
def cli() -> None:
    """Read, convert and verify the files of Keras models.

    Each command takes --json: one JSON document on stdout, messages on stderr.
    """


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its status.

    Arguments:
        args: The words after the program's name; default those of the process.
    """
    cli.main(args)
    raise AssertionError("Group.main exits")
