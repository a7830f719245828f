"""What formats of the past have in common: they are read, and never written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kport.errors import SaveError

if TYPE_CHECKING:
    from kport.checkpoint import Checkpoint
    from kport.formats import WriteOptions

__all__ = ["OldModels", "ReadOnly"]


class ReadOnly:
    """A format that is only read; see `kport.formats.Format`."""

    title: str
    writes = False

    def write(self, checkpoint: Checkpoint, path: Path, options: WriteOptions) -> None:
        """Refuse.

        Raises:
            SaveError: Always.
        """
        raise SaveError(
            f"kport reads this format and does not write it: {self.title}",
            path=path,
            remedy="Give a path ending in .keras for an archive, or a directory for a bundle.",
        )


class OldModels(ReadOnly):
    """A format whose models are made of layers that Keras 3 may not have."""

    def components(self) -> None:
        """Register what takes their place; imports Keras."""
        from kport_compat import layers, ops, optimizers

        layers.register()
        ops.register()
        optimizers.register()
