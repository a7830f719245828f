"""The reasons that Keras gives at the end of several lines, and those of kport inside of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from kport.errors import KportError

__all__ = ["reason_first"]

_COLOURS = re.compile("\x1b\\[[0-9;]*m")  # Keras colours its reasons for a terminal
_WRAPS = re.compile(r"(?:Exception|Error) encountered:")  # what Keras writes before a reason


@contextmanager
def reason_first() -> Iterator[None]:
    """Give the reason that Keras puts at the end of several lines, or an error of kport inside."""
    try:
        yield
    except (TypeError, ValueError, RuntimeError, KportError) as error:
        inner: BaseException | None = error
        found = None
        while inner is not None:  # Keras makes the error anew on its way out: the first one is ours
            found = inner if isinstance(inner, KportError) else found
            inner = inner.__cause__ or inner.__context__
        if found is not None:
            raise found from error
        said = _COLOURS.sub("", _WRAPS.split(str(error))[-1])
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        raise ValueError(" ".join(lines[:2])) from error
