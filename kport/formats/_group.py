"""Several processes that write one model together, step by step."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

from kport.errors import KportError, Problem, SaveError, mapped

__all__ = ["Group", "together"]


class Group(Protocol):
    """The processes that hold a model between them."""

    @property
    def rank(self) -> int:
        """Which of them this one is; 0 leads."""
        ...

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    def gather(self, data: bytes) -> list[bytes]:
        """Return what each process gave, in the order of ranks, once all of them have called."""
        ...


def together(group: Group, step: Callable[[], Any]) -> list[Any]:
    """Do a step in every process at once, and return what came of it in each, as JSON.

    Where it fails in one it has failed in all, so that none waits for another for ever.

    Raises:
        SaveError: It failed in a process; each that failed is named.
    """
    own: KportError | None = None
    result: Any = None
    try:
        with mapped(SaveError, "cannot be written"):
            result = step()
    except KportError as error:
        own = error
    message = {"error": None if own is None else str(own), "result": result}
    answers = [json.loads(one) for one in group.gather(json.dumps(message).encode())]
    if own is not None:
        raise own
    failed = {rank: one["error"] for rank, one in enumerate(answers) if one["error"]}
    if failed:
        problems = [Problem(f"process {rank}", text) for rank, text in failed.items()]
        raise SaveError("cannot be written by all processes together", problems=problems)
    return [one["result"] for one in answers]
