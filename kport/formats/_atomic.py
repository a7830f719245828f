"""Replace a file or a directory whole: a reader sees the old one or the new one, never half."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from kport.errors import SaveError, mapped

if sys.platform != "win32":
    import fcntl

__all__ = ["clear_leftovers", "replace_directory", "replace_file"]

_PREFIX = ".kport-"
_RANDOM = "[a-z0-9_]{8}"  # what tempfile.mkdtemp puts behind a prefix
_MAX_NAME = 100  # file systems take 255 bytes, ours included
_SYNCS = 8  # a commit takes milliseconds, a thread next to nothing
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # linux/fs.h
_RENAME_SWAP = 2  # sys/stdio.h of macOS
# Some file systems (overlay, network) know the call and not what is asked of it.
_UNSUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Give a temporary path; put the file in place when the block ends without an error.

    The file is fsynced before the rename and its directory after it, so a crash leaves the old
    file or the new one.

    Raises:
        SaveError: The target cannot be written; it is as it was before.
    """
    with mapped(SaveError, "cannot be written", path=path), _workshop(path) as folder:
        temporary = folder / "new"
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
        _sync(folder.parent)


@contextmanager
def replace_directory(path: Path) -> Iterator[Path]:
    """The same for a directory: fill the temporary one, which then takes the target's place.

    Where the system can exchange two names in one step (Linux, macOS) no moment exists without
    a whole directory at `path`; elsewhere there is one between two renames, and a save that was
    killed in it is undone by the next one.

    Raises:
        SaveError: The target cannot be written; it is as it was before.
    """
    with mapped(SaveError, "cannot be written", path=path), _workshop(path) as folder:
        temporary = folder / "new"
        temporary.mkdir()
        yield temporary
        _sync_all([*sorted(temporary.rglob("*")), temporary])
        _put_in_place(temporary, path)
        _sync(folder.parent)


def clear_leftovers(parent: Path) -> None:
    """Remove what killed writers left in a directory, whatever it was to become.

    A save does so for its own target; this is for directories whose names change from save to save.
    """
    for folder in sorted(parent.glob(f"{_PREFIX}*")):
        named = re.fullmatch(f"{re.escape(_PREFIX)}(.+)-{_RANDOM}", folder.name)
        if named is not None:
            _clear(parent, f"{_PREFIX}{named[1]}-", parent / named[1])


@contextmanager
def _workshop(path: Path) -> Iterator[Path]:
    """Give an empty directory beside `path`, and remove those that killed writers left there."""
    key = path.name
    if len(os.fsencode(key)) > _MAX_NAME:
        key = hashlib.sha256(os.fsencode(key)).hexdigest()[:32]
    with _parent(path) as parent:
        _clear(parent, f"{_PREFIX}{key}-", path)
        folder, lock = _locked_directory(parent, f"{_PREFIX}{key}-")
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if lock is not None:
                os.close(lock)


def _locked_directory(parent: Path, prefix: str) -> tuple[Path, int | None]:
    """Make a directory that is locked as long as this process lives, where there are locks."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        lock = _lock(folder)
        if folder.exists():
            return folder, lock
        # Another writer has taken it for a dead one's before it was locked.
        if lock is not None:
            os.close(lock)


def _lock(folder: Path, wait: bool = True) -> int | None:
    """Return the handle of a lock; None where another process has it, or there are no locks."""
    if sys.platform == "win32":
        return None
    handle = None
    try:
        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        if handle is not None:
            os.close(handle)
        return None
    return handle


def _clear(parent: Path, prefix: str, path: Path) -> None:
    for folder in sorted(parent.glob(f"{_PREFIX}*")):
        if not re.fullmatch(re.escape(prefix) + _RANDOM, folder.name):
            continue
        lock = _lock(folder, wait=False)
        if lock is None:
            continue
        try:
            if (folder / "old").exists() and not path.exists():
                os.rename(folder / "old", path)  # it was killed between two renames
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)


@contextmanager
def _parent(path: Path) -> Iterator[Path]:
    parent = path.absolute().parent
    made = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    parent.mkdir(parents=True, exist_ok=True)
    try:
        yield parent
    except BaseException:
        for folder in made:  # innermost first; a folder somebody filled meanwhile stays
            if not any(folder.iterdir()):
                folder.rmdir()
        raise


def _sync_all(paths: Iterable[Path]) -> None:
    """Sync several at a time: what waits together goes into one commit of the file system."""
    with ThreadPoolExecutor(_SYNCS, "kport-sync") as pool:
        for _ in pool.map(_sync, paths):
            pass


def _sync(path: Path) -> None:
    if sys.platform == "win32" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if not path.is_dir() or error.errno not in _UNSUPPORTED:
            raise
    finally:
        os.close(handle)


def _put_in_place(new: Path, path: Path) -> None:
    if not path.exists():
        with contextlib.suppress(OSError):
            os.rename(new, path)
            return
    # It was there, or another process has put one there since.
    if _exchange_in_one_step(os.fsencode(new), os.fsencode(path)):
        return
    old = new.with_name("old")
    os.rename(path, old)
    try:
        os.rename(new, path)
    except BaseException:
        os.rename(old, path)
        raise


def _exchange_in_one_step(new: bytes, old: bytes) -> bool:
    library = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        status = library.renameat2(_AT_FDCWD, new, _AT_FDCWD, old, _RENAME_EXCHANGE)  # type: ignore[union-attr]  # hasattr says it is there
    elif sys.platform == "darwin" and hasattr(library, "renamex_np"):
        status = library.renamex_np(new, old, _RENAME_SWAP)
    else:
        return False
    if status == 0:
        return True
    if ctypes.get_errno() in _UNSUPPORTED:
        return False
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), os.fsdecode(old))
