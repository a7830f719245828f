"""What a translation has to tell: notes for the report, problems for the error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from kport.checkpoint import JSON, Note
from kport.errors import Problem

__all__ = ["Log"]


@dataclass(slots=True)
class Log:
    """Collects notes and problems of one translation.

    Arguments:
        nested: Translates a layer or model that stands inside of another object.
        generation: The major version of the Keras that wrote the config.
    """

    nested: Callable[[JSON, Log], JSON]
    generation: int = 2
    notes: list[Note] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)

    def translated(self, name: str, detail: str) -> None:
        """Note a change of meaning or of a name."""
        self.notes.append(Note("translated", name, detail))

    def dropped(self, name: str, detail: str) -> None:
        """Note something that is left out."""
        self.notes.append(Note("dropped", name, detail))

    def problem(self, place: str, message: str) -> None:
        """Note something that makes the config unusable."""
        self.problems.append(Problem(place, message))
