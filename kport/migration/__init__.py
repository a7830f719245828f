"""Move whole folders of old models to what Keras 3 reads."""

from kport.migration._migrate import migrate
from kport.migration._report import MigrationReport, MigrationRow, Outcome

__all__ = ["MigrationReport", "MigrationRow", "Outcome", "migrate"]
