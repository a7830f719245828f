"""The one place where the command line prints: for a person, or as one JSON document."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Protocol

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TimeElapsedColumn,
)
from rich.text import Text

from kport.checkpoint import JSON
from kport.errors import KportError

__all__ = ["Output", "Result", "plain"]

_PIPE_WIDTH = 200  # no terminal says how wide a pipe is; narrower tables would fold long names


class Result(Protocol):
    """What a command found: every result of a public function has a JSON form."""

    def to_json(self) -> JSON:
        """Return it as plain JSON values."""
        ...


class Output:
    """Prints results to stdout, messages and progress to stderr.

    Arguments:
        json: Print JSON, one document, and nothing else on stdout.
    """

    def __init__(self, json: bool = False) -> None:
        self.json = json
        # Everything printed is a Text or made of such, so nothing in a file can be markup.
        options = {"markup": False, "highlight": False, "emoji": False}
        self._out = _console(options, stderr=False)
        self._err = _console(options, stderr=True)

    def show(self, result: Result, pages: Iterable[RenderableType]) -> None:
        """Print a result: its JSON, or what stands on the pages for a person."""
        if self.json:
            self._document(result.to_json())
            return
        for page in pages:
            self._out.print(page)

    def log(self, text: str) -> None:
        """Print a message to stderr."""
        self._err.print(Text(plain(text.rstrip("\n"), "\n")), soft_wrap=True)

    def kport_error(self, error: KportError) -> None:
        """Print an error of kport, with every problem."""
        problems = [
            {"place": one.place, "message": one.message, "kind": one.kind} for one in error.problems
        ]
        fields = {"path": error.path, "problems": problems, "remedy": error.remedy}
        self.error(str(error), type(error).__name__, error.exit_code, **fields)

    def error(self, text: str, kind: str, exit_code: int, **fields: object) -> None:
        """Print an error as one message; with JSON also as ``{"error": {...}}`` on stdout."""
        self.log(f"kport: {text}")
        if self.json:
            body = {"type": kind, "message": text, "exit_code": exit_code, **fields}
            self._document({"error": body})

    @contextmanager
    def working(self, text: str) -> Iterator[None]:
        """Show on a terminal that work goes on, and keep what a library prints off stdout."""
        with redirect_stdout(sys.stderr):
            if not self._err.is_terminal:
                yield
                return
            with self._err.status(Text(plain(text))):
                yield

    @contextmanager
    def counting(self, first: str) -> Iterator[Callable[[int, int, str], None]]:
        """Give a function that shows on a terminal how many of all are done, and what is next.

        Arguments:
            first: What is done before it is known how many there are.
        """
        with redirect_stdout(sys.stderr):
            if not self._err.is_terminal:
                yield lambda done, every, text: None
                return
            columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), _Plain())
            with Progress(*columns, console=self._err, transient=True) as bar:
                task = bar.add_task(first, total=None)
                yield lambda done, every, text: bar.update(
                    task, completed=done, total=every, description=text
                )

    def _document(self, value: JSON) -> None:
        # ASCII only, so a terminal or a log of any encoding takes it.
        self._out.file.write(json.dumps(value, indent=2) + "\n")


class _Plain(ProgressColumn):
    """What is being done, nothing of which can be markup."""

    def render(self, task: Task) -> Text:
        return Text(plain(task.description))


def _console(options: dict[str, bool], stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPE_WIDTH
    return Console(file=stream, width=width, **options)  # type: ignore[arg-type]  # all are flags


def plain(text: object, keep: str = "") -> str:
    r"""Return text with everything escaped that a terminal would obey rather than show.

    Example:
        >>> plain("dense\x1b[31m\n")
        'dense\\x1b[31m\\n'
    """
    return "".join(
        sign if sign.isprintable() or sign in keep else sign.encode("unicode_escape").decode()
        for sign in str(text)
    )
