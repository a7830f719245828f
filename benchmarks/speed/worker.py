"""One process, one backend, one model: every side saves and loads it, in turns.

python worker.py '{"bytes": 1000000000, "rounds": 5, "sides": [...], ...}', with KERAS_BACKEND.
Prints one line of JSON for each act: who, what, and from when to when by the system's clock, by
which the parent finds the memory that was in use (see watch.py).
"""

import ctypes
import gc
import json
import os
import shutil
import sys
import time
from pathlib import Path

import models
import sides

_STEP = 1 << 23
_WARM_UP = 1_000_000  # bytes of the model that each side handles first, so that all code is loaded


def main(task):
    chosen = [one for one in sides.SIDES if one.name in task["sides"]]
    turn(models.sized(_WARM_UP), chosen, {**task, "cold": []}, quiet=True)
    model = models.many(task["variables"]) if task["variables"] else models.sized(task["bytes"])
    values = sides.arrays(model).values()
    say(bytes=sum(one.nbytes for one in values), variables=len(values))
    del values
    for _ in range(task["rounds"]):
        turn(model, chosen, task)


def turn(model, chosen, task, quiet=False):
    for side in chosen:
        if side.save is None:
            continue
        path = Path(task["folder"]) / side.file
        act("save", side, quiet, side.save, model, path)
        os.sync()
        for reader in (one for one in chosen if side.name in (one.name, one.reads)):
            if reader.load is not None:
                warm(path)
                act("load", reader, quiet, reader.load, path / reader.inner, model)
        for reader in (one for one in chosen if side.name in (one.name, one.reads)):
            if reader.load is not None and reader.name in task["cold"]:
                drop(path)
                act("cold load", reader, quiet, reader.load, path / reader.inner, model)
        remove(path)


def act(what, side, quiet, call, *arguments):
    give_back()
    start = time.monotonic()
    call(*arguments)
    stop = time.monotonic()
    if not quiet:
        say(act=what, side=side.name, start=start, stop=stop)


def give_back():
    """Let no side begin with memory that an earlier one left behind, mapped and ready."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:  # of glibc
        trim(0)


def warm(path):
    """Bring a file into the page cache, where some sides leave it as they write and others not."""
    for one in files(path):
        with one.open("rb") as file:
            while file.read(_STEP):
                pass


def drop(path):
    """Take a file out of the page cache; it is on the disk already."""
    for one in files(path):
        with one.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def files(path):
    return [one for one in [path, *path.rglob("*")] if one.is_file()]


def remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def say(**fields):
    print("@" + json.dumps(fields), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
