"""The result of running one model on several backends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["ParityReport", "Row"]


@dataclass(frozen=True, slots=True)
class Row:
    """One file on one backend.

    Arguments:
        path: The file.
        backend: ``tensorflow``, ``jax`` or ``torch``.
        load_seconds: Wall-clock seconds of `kport.load` alone, the backend's import left out.
        max_abs: The largest absolute difference to the reference; None when it did not run.
        max_rel: The largest absolute difference divided by the largest magnitude of that output.
        tolerance: What `max_rel` may be, by the dtype the model computes in.
        ok: Whether it is within the tolerance.
        error: Why it did not run; empty when it did.
        reference: What it was compared with: ``sample`` (outputs stored with the file) or the name
            of the backend that ran first.
        exit_code: 0 when it is the same, 1 when it differs, else that of the error.
    """

    path: str
    backend: str
    load_seconds: float
    max_abs: float | None
    max_rel: float | None
    tolerance: float
    ok: bool
    error: str = ""
    reference: str = ""
    exit_code: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class ParityReport:
    """Whether some files give the same outputs on every backend.

    Arguments:
        rows: One for each file and backend.
    """

    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        """Whether every row is."""
        return all(row.ok for row in self.rows)

    @property
    def exit_code(self) -> int:
        """What a command ends with: the gravest of the rows."""
        return max((row.exit_code for row in self.rows), default=0)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {"ok": self.ok, "rows": [row.to_json() for row in self.rows]}
