"""Import the modules that a user names, whose components a file may need."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib import import_module

from kport.errors import UsageError

__all__ = ["import_modules"]


def import_modules(names: Iterable[str]) -> None:
    """Import the user's modules, which are looked for where the user stands, too.

    Raises:
        UsageError: One of them cannot be imported.
    """
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # as `python -m` has it; the script `kport` has not
    for name in names:
        try:
            import_module(name)
        except Exception as error:  # a user's module can raise anything
            raise UsageError(
                f"cannot import module {name!r}: {type(error).__name__}: {error}",
                remedy="--import takes a module's dotted name, as the statement import does.",
            ) from error
