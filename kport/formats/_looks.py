"""What an error says of a path that holds no model."""

from __future__ import annotations

from pathlib import Path

__all__ = ["looks_like", "near"]

_SHOWN = 6  # names of a directory's content that an error lists


def near(place: Path) -> str:
    """Return what is there in the place of a path that is not."""
    parent = place.absolute().parent
    if not parent.is_dir():
        return f"The directory {parent} does not exist either."
    names = _names(parent)
    return f"The directory {parent} holds: {names}." if names else f"{parent} is empty."


def looks_like(place: Path) -> str:
    """Return what a file or directory of no known format looks like."""
    if place.is_dir():
        names = _names(place)
        return f"a directory holding {names}" if names else "an empty directory"
    try:
        with place.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        return error.strerror or "unreadable"
    if not head:
        return "an empty file"
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer; run 'git lfs pull' to get the file itself"
    return f"a file that begins with {head[:16]!r}"


def _names(folder: Path) -> str:
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError as error:
        return error.strerror or "nothing readable"
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
