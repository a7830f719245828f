"""One process, one backend, one model: every side saves and loads it, in turns.

python worker.py '{"model": "1GB", "rounds": 5, "sides": [...], "folder": ...}', with KERAS_BACKEND.
Prints one line of JSON for each act: who, what, and from when to when by the system's clock, by
which the parent finds the memory that was in use (see watch.py).
"""

import gc
import json
import os
import shutil
import sys
import time
from pathlib import Path

import models
import sides


def main(task):
    model = models.many(task["variables"]) if task["variables"] else models.sized(task["bytes"])
    chosen = [one for one in sides.SIDES if one.name in task["sides"]]
    say(model=sum(v.value.nbytes for v in model.variables), variables=len(model.variables))
    for number in range(-1, task["rounds"]):  # the first one warms up code and allocator
        for side in chosen:
            path = Path(task["folder"]) / side.file
            act("save", side, number, side.save, model, path)
            os.sync()
            act("load", side, number, side.load, path, model)
            if task["cold"] and number >= 0:
                drop(path)
                act("cold load", side, number, side.load, path, model)
            remove(path)


def act(what, side, number, call, *arguments):
    gc.collect()
    start = time.monotonic()
    call(*arguments)
    stop = time.monotonic()
    if number >= 0:
        say(act=what, side=side.name, start=start, stop=stop)


def drop(path):
    """Take a file out of the page cache; it is on the disk already."""
    for one in [path, *path.rglob("*")]:
        if one.is_file():
            with one.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def say(**fields):
    print("@" + json.dumps(fields), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
