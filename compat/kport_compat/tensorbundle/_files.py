"""Find the files of a checkpoint, and say what is missing or is no file at all.

TensorFlow names a checkpoint by a prefix; ``PREFIX.index`` and ``PREFIX.data-*`` are its files, and
a text file ``checkpoint`` beside them names the latest prefix.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from glob import escape
from pathlib import Path

from kport.errors import PathNotFoundError, Problem, UnreadableError
from kport_compat.tensorbundle._table import FOOTER, is_table

__all__ = ["absent", "find_index", "is_index", "is_pointer", "names_checkpoint", "refuse_pointer"]

STATE = "checkpoint"
_PART = re.compile(r"\.(data-\d{5}-of-\d{5}|meta)$")
_POINTER = b"version https://git-lfs"
_COPY = "Copy every file of the checkpoint; repositories often leave the large ones out."
_MAX_STATE = 1_000_000  # bytes of the file `checkpoint`; it lists a few names
_LATEST = re.compile(r'^model_checkpoint_path:\s*"([^"\\\n]+)"\s*$', re.MULTILINE)


def is_index(path: Path) -> bool:
    """Say whether a file ends as an index does, or is the pointer to one."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - FOOTER))
            return is_table(file.read(FOOTER)) or is_pointer(path)
    except OSError:
        return False


def is_pointer(path: Path) -> bool:
    """Say whether Git put a pointer in the place of the file."""
    with path.open("rb") as file:
        return file.read(len(_POINTER)) == _POINTER


def refuse_pointer(path: Path) -> None:
    """Raise an UnreadableError if the file is a Git LFS pointer."""
    if is_pointer(path):
        raise UnreadableError(
            "is a Git LFS pointer, not the file itself",
            path=path,
            remedy="Run 'git lfs pull' where it was cloned.",
        )


def names_checkpoint(path: Path) -> bool:
    """Say whether a path is one under which people know a checkpoint; see `find_index`."""
    if path.is_dir():
        return (path / STATE).is_file() or any(path.glob("*.index"))
    if not path.exists() or _PART.search(path.name) or path.name == STATE:
        return _beside(path) is not None
    return is_index(path) and (path.suffix == ".index" or not is_pointer(path))


def find_index(path: Path) -> Path:
    """Return the index of the checkpoint at a path; of the first version, its own file.

    Arguments:
        path: The prefix that TensorFlow names it by, one of its files, or a directory: the latest
            one in it, as its file ``checkpoint`` says, or the only one.

    Raises:
        UnreadableError: The directory holds several, and nothing says which is meant.
        PathNotFoundError: It holds none.
    """
    beside = _beside(path)
    if beside is not None:
        return beside
    folder = path.parent if path.name == STATE else path
    if folder.is_file():
        return folder
    found = sorted(one for one in folder.glob("*.index") if one.is_file())
    latest = _latest(folder)
    if latest in found:
        return latest
    first = None if latest is None else _first_version(latest.with_suffix(""))
    if not found and first is not None:
        return first
    if not found:
        raise _without_index(folder, latest)
    if len(found) > 1:
        raise UnreadableError(
            f"holds {len(found)} checkpoints",
            path=folder,
            problems=[Problem(one.name, "is one of them") for one in found],
            remedy="Give the path of the one .index file that is meant.",
        )
    return found[0]


def _beside(path: Path) -> Path | None:
    """Return the index that belongs to a prefix or to another file of the checkpoint."""
    if path.is_dir() or path.name.endswith(".index"):
        return None
    if path.name == STATE:
        latest = _latest(path.parent)
        if latest is None or latest.is_file():
            return latest
        return _first_version(latest.with_suffix(""))
    index = path.with_name(f"{_PART.sub('', path.name)}.index")
    if index.is_file() and (not path.exists() or index.stem != path.name):
        return index
    return None if path.exists() else _first_version(path)


def _first_version(prefix: Path) -> Path | None:
    """Return the file, or the first shard, of a V1 checkpoint: it has no index."""
    shards = sorted(prefix.parent.glob(f"{escape(prefix.name)}-{'[0-9]' * 5}-of-{'[0-9]' * 5}"))
    return next((one for one in (prefix, *shards) if one.is_file() and is_index(one)), None)


def _without_index(folder: Path, latest: Path | None) -> PathNotFoundError:
    if latest is not None:
        problem = Problem(latest.name, f"is missing, and {STATE!r} names it", "missing")
        return PathNotFoundError(
            "holds no checkpoint",
            path=folder,
            problems=[problem],
            remedy=_COPY,
        )
    return PathNotFoundError("holds no checkpoint: no file ends in '.index'", path=folder)


def absent(index: Path, missing: Sequence[Path]) -> PathNotFoundError:
    """Return the error that shards are not there."""
    return PathNotFoundError(
        "is an index whose values are not beside it",
        path=index,
        problems=[Problem(one.name, "is missing", "missing") for one in missing],
        remedy=_COPY,
    )


def _latest(folder: Path) -> Path | None:
    state = folder / STATE
    try:
        with state.open("rb") as file:
            match = _LATEST.search(file.read(_MAX_STATE).decode(errors="replace"))
    except OSError:
        return None
    if match is None:
        return None
    # The path may be the one of the machine that wrote it: only its last part counts.
    name = re.split(r"[/\\]", match.group(1))[-1]
    return folder / f"{name}.index"
