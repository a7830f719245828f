"""What became of each model of a folder."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from enum import StrEnum

from kport.checkpoint import JSON

__all__ = ["MigrationReport", "MigrationRow", "Outcome"]


class Outcome(StrEnum):
    """What became of a model."""

    MIGRATED = "migrated"
    """It was written anew."""
    PRESENT = "present"
    """Something was at its target already, and was left alone."""
    CURRENT = "current"
    """Keras 3 reads it as it is; it stays where it is."""
    WEIGHTS = "weights"
    """It holds weights without the model they belong to."""
    DEFINITION = "definition"
    """It holds a model without its weights."""
    REFUSED = "refused"
    """It cannot be read or loaded."""


@dataclass(frozen=True, slots=True)
class MigrationRow:
    """One model.

    Arguments:
        source: The path it was found at.
        format: The short name of its format; empty where none knows it.
        outcome: What became of it.
        target: The path that was written; empty where none was.
        detail: What became of its tensors, or why there is no model.
        exit_code: That of the error; 0 where there was none.
        dropped: What of the file the model has no place for, and why.
        seconds: What the conversion took.
    """

    source: str
    format: str
    outcome: Outcome
    target: str = ""
    detail: str = ""
    exit_code: int = 0
    dropped: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """All models of a folder, by path.

    Arguments:
        source: The folder that was looked through.
        target: The folder that was written to.
        rows: One for each model.
    """

    source: str
    target: str
    rows: tuple[MigrationRow, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many models each outcome had; only those that any had."""
        counted = Counter(row.outcome for row in self.rows)
        return {outcome.value: counted[outcome] for outcome in Outcome if counted[outcome]}

    @property
    def exit_code(self) -> int:
        """The largest of all rows."""
        return max((row.exit_code for row in self.rows), default=0)

    def to_json(self) -> JSON:
        """Return the report as plain JSON values."""
        rows = [asdict(row) for row in self.rows]
        return {"source": self.source, "target": self.target, "counts": self.counts, "rows": rows}

    def __str__(self) -> str:
        return (
            ", ".join(f"{count} {outcome}" for outcome, count in self.counts.items()) or "nothing"
        )
