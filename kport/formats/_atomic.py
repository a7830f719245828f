"""Replace a file or a directory whole: a reader sees the old one or the new one, never half."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kport.errors import SaveError, mapped

__all__ = ["replace_directory", "replace_file"]

_PREFIX = ".kport-"
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # linux/fs.h
_RENAME_SWAP = 2  # sys/stdio.h of macOS


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; put it in place when the block ends without an error.

    The file is fsynced before the rename and its directory after it, so a crash leaves the old
    file or the new one.

    Raises:
        SaveError: The target cannot be written; it is as it was before.
    """
    with mapped(SaveError, "cannot be written", path=path), _parent(path) as parent:
        handle, name = tempfile.mkstemp(prefix=f"{_PREFIX}{path.name}-", dir=parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            os.chmod(temporary, 0o666 & ~_umask())
            _sync(temporary)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync(parent)


@contextmanager
def replace_directory(path: Path) -> Iterator[Path]:
    """The same for a directory: fill the temporary one, which then takes the target's place.

    Where the system can exchange two names in one step (Linux, macOS) no moment exists without
    a whole directory at `path`; elsewhere there is one between two renames.

    Raises:
        SaveError: The target cannot be written; it is as it was before.
    """
    with mapped(SaveError, "cannot be written", path=path), _parent(path) as parent:
        temporary = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{path.name}-", dir=parent))
        try:
            yield temporary
            os.chmod(temporary, 0o777 & ~_umask())
            for file in sorted(temporary.rglob("*")):
                _sync(file)
            _sync(temporary)
            if path.exists():
                _exchange(temporary, path)
            else:
                os.rename(temporary, path)
            _sync(parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


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


def _umask() -> int:
    mask = os.umask(0)  # the only way to ask for it is to set it
    os.umask(mask)
    return mask


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _exchange(new: Path, old: Path) -> None:
    if _exchange_in_one_step(os.fsencode(new), os.fsencode(old)):
        return
    aside = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}old-", dir=new.parent))
    os.rename(old, aside / "old")
    try:
        os.rename(new, old)
    except BaseException:
        os.rename(aside / "old", old)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


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
    # Some file systems (overlay, network) know the call and not the flag.
    if ctypes.get_errno() in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), os.fsdecode(old))
