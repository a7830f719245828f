"""Move whole folders of old models to what Keras 3 reads."""

from kport.migration._migrate import migrate
from kport.migration._report import MigrationReport, MigrationRow, Outcome
from kport.migration._targets import ENDINGS

__all__ = ["ENDINGS", "MigrationReport", "MigrationRow", "Outcome", "migrate"]
