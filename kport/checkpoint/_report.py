"""What became of every tensor of a file when it was loaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["LoadReport", "Note", "Outcome", "ReportLine"]

Outcome = Literal["matched", "renamed", "translated", "supplied", "dropped", "refused"]


@dataclass(frozen=True, slots=True)
class ReportLine:
    """What became of one thing.

    Arguments:
        outcome: ``matched`` (value in place), ``renamed`` (in place under another name),
            ``translated`` (config or value changed its form), ``supplied`` (the file has none, the
            model made it), ``dropped`` (in the file, not in the model) or ``refused``.
        name: The tensor, layer or config field.
        detail: Why, or the other name; empty for a plain match.
    """

    outcome: Outcome
    name: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Note(ReportLine):
    """A line that the reader of a file writes: what it ``translated`` or ``dropped``, and why."""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """Every thing of a file and what became of it; `kport.report_of(model)` gives it back.

    Example:
        >>> report = LoadReport((ReportLine("dropped", "optimizer.iterations", "compile=False"),))
        >>> report.dropped
        ('optimizer.iterations',)
    """

    lines: tuple[ReportLine, ...] = ()

    def names(self, outcome: Outcome) -> tuple[str, ...]:
        """Return the names with one outcome, in the order they were met."""
        return tuple(line.name for line in self.lines if line.outcome == outcome)

    @property
    def matched(self) -> tuple[str, ...]:
        """Values in place under their own name."""
        return self.names("matched")

    @property
    def renamed(self) -> tuple[str, ...]:
        """Values in place under another name."""
        return self.names("renamed")

    @property
    def translated(self) -> tuple[str, ...]:
        """Things that changed their form on the way."""
        return self.names("translated")

    @property
    def supplied(self) -> tuple[str, ...]:
        """Variables that the file says nothing about; their initializers ran."""
        return self.names("supplied")

    @property
    def dropped(self) -> tuple[str, ...]:
        """Things of the file that the model has no place for."""
        return self.names("dropped")

    @property
    def refused(self) -> tuple[str, ...]:
        """Things of the file that kport would not touch."""
        return self.names("refused")

    def with_lines(self, lines: Iterable[ReportLine]) -> LoadReport:
        """Return the report with more lines at its end."""
        return LoadReport((*self.lines, *lines))

    def to_json(self) -> dict[str, Any]:
        """Return outcome -> list of ``{"name", "detail"}``, empty outcomes left out."""
        grouped: dict[str, list[dict[str, str]]] = {}
        for line in self.lines:
            entry = {"name": line.name, "detail": line.detail}
            grouped.setdefault(line.outcome, []).append(entry)
        return grouped

    def __str__(self) -> str:
        counts: dict[str, int] = {}
        for line in self.lines:
            counts[line.outcome] = counts.get(line.outcome, 0) + 1
        return ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "nothing"
