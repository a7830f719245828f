"""A folder of checkpoints whose names say all there is to know of them.

``epoch-0003-step-000000120-val_loss=0.25`` was saved after three whole epochs and 120 steps. A name
appears in one step with the whole bundle behind it, so a killed program leaves no half knowledge.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from kport.errors import SaveError, mapped
from kport.formats import clear_leftovers

__all__ = ["Folder", "Stamp"]

_NAME = re.compile(r"epoch-(\d{4,})-step-(\d{9,})(?:-([^=]+)=(\S+))?")
_TRASH = ".trash-"


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a checkpoint was saved, and how good the model was.

    Arguments:
        epoch: Whole epochs before it.
        step: Steps before it, counted through all runs in the folder.
        monitor: What was watched; empty for nothing.
        value: What it was then.
    """

    epoch: int
    step: int
    monitor: str = ""
    value: float = 0.0

    @property
    def name(self) -> str:
        """The name of the bundle; `parse` undoes it."""
        watched = f"-{quote(self.monitor, safe='')}={self.value!r}" if self.monitor else ""
        return f"epoch-{self.epoch:04}-step-{self.step:09}{watched}"

    @classmethod
    def parse(cls, name: str, monitor: str) -> Stamp | None:
        """Return what a name says; the value only if it is of this monitor."""
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        epoch, step = int(found[1]), int(found[2])
        if not monitor or found[3] != quote(monitor, safe=""):
            return cls(epoch, step)
        try:
            return cls(epoch, step, monitor, float(found[4]))
        except ValueError:
            return cls(epoch, step)


@dataclass(frozen=True, slots=True)
class Folder:
    """The checkpoints in a folder, oldest first.

    Arguments:
        path: The folder; it need not be there.
        monitor: What is watched.
    """

    path: Path
    monitor: str = ""

    def checkpoints(self) -> list[tuple[Stamp, Path]]:
        """Return stamp and path of each, in the order of steps."""
        if not self.path.is_dir():
            return []
        known = [(Stamp.parse(one.name, self.monitor), one) for one in self.path.iterdir()]
        found = [(stamp, path) for stamp, path in known if stamp is not None and path.is_dir()]
        return sorted(found, key=lambda one: (one[0].step, one[1].name))

    def tidy(self) -> None:
        """Remove what a run that was killed left half done."""
        with mapped(SaveError, "what a killed run left cannot be removed", path=self.path):
            clear_leftovers(self.path)
            for trash in self.path.glob(f"{_TRASH}*"):
                shutil.rmtree(trash)

    def prune(self, keep: int, best: Stamp | None) -> None:
        """Remove all but the latest, and the best one of all.

        Raises:
            SaveError: One cannot be removed.
        """
        with mapped(SaveError, "old checkpoints cannot be removed", path=self.path):
            for stamp, path in self.checkpoints()[:-keep]:
                if best is None or stamp.step != best.step:
                    path.rename(self.path / f"{_TRASH}{path.name}")  # never half of one by its name
        self.tidy()
