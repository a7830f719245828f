"""Where each model of a folder is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["ENDINGS", "targets_of"]

ENDINGS = {"keras": ".keras", "bundle": ".bundle"}
"""Name of a format -> what the name of each target ends in."""

_LEFT_OFF = frozenset({".h5", ".hdf5", ".keras"})


def targets_of(
    sources: Sequence[Path], folder: Path, target: Path, ending: str
) -> Mapping[Path, Path]:
    """Return source -> target: the same place in the other folder, with another ending.

    Where two would go to one target, both keep their own ending before it.

    Example:
        >>> a, b = Path("old/a.h5"), Path("old/b.h5")
        >>> [str(one) for one in targets_of([a, b], Path("old"), Path("new"), ".keras").values()]
        ['new/a.keras', 'new/b.keras']
    """
    short = {one: target / _shortened(one.relative_to(folder), folder) for one in sources}
    taken = Counter(short.values())
    return {
        one: _ended(name if taken[name] == 1 else target / one.relative_to(folder), ending)
        for one, name in short.items()
    }


def _shortened(path: Path, folder: Path) -> Path:
    if path == Path():
        return Path(folder.resolve().name)  # the folder itself is the model
    return path.with_suffix("") if path.suffix.lower() in _LEFT_OFF else path


def _ended(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)
