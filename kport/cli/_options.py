"""The options that commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from kport._imports import import_components
from kport.checkpoint import Sample, load_sample
from kport.errors import UsageError

__all__ = [
    "command_settings",
    "import_functions",
    "imports",
    "json_output",
    "lambdas",
    "read_sample",
    "sample",
]

F = TypeVar("F", bound=Callable[..., Any])

command_settings: dict[str, Any] = {"no_args_is_help": True}


def json_output(function: F) -> F:
    """Add ``--json``, passed as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(
        function
    )


def sample(function: F) -> F:
    """Add ``--sample FILE.npz``."""
    return click.option(
        "--sample",
        metavar="FILE.npz",
        help="Arrays 'inputs' and, where known, true 'outputs' (or inputs.NAME, inputs.0, ...).",
    )(function)


def imports(function: F) -> F:
    """Add ``--import MODULE[:FUNCTION]``, passed as `modules`."""
    return click.option(
        "--import",
        "modules",
        metavar="MODULE[:FUNCTION]",
        multiple=True,
        help="A module of yours with the classes of the model, or a function of it. Repeatable.",
    )(function)


def lambdas(function: F) -> F:
    """Add ``--lambda LAYER=MODULE:FUNCTION``, passed as `lambdas`."""
    return click.option(
        "--lambda",
        "lambdas",
        metavar="LAYER=MODULE:FUNCTION",
        multiple=True,
        help="A registered function of yours for a Lambda layer, whose own code is never run.",
    )(function)


def import_functions(given: Sequence[str]) -> dict[str, Any]:
    """Return layer -> function for the values of ``--lambda``.

    Raises:
        UsageError: A value has another form, or there is no such module or function.
    """
    found = {}
    for one in given:
        layer, _, place = one.rpartition("=")
        module, _, name = place.partition(":")
        if not (layer and module and name):
            raise UsageError(f"--lambda {one}: expected LAYER=MODULE:FUNCTION")
        found[layer] = import_components([place])[name]
    return found


def read_sample(path: str | None) -> Sample | None:
    """Return the sample of an option; None where it was not given."""
    return None if path is None else load_sample(path)
