"""How much memory a piece of work takes."""

import gc
import threading
from pathlib import Path

_EVERY = 0.001


def anonymous():
    """Return the bytes that this process holds itself; pages of mapped files are not among them."""
    rows = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(row.split()[1]) for row in rows if row.startswith("RssAnon"))


def peak_of(work):
    """Return by how many bytes of anonymous memory this process was larger while it worked."""
    gc.collect()
    before, ended, found = anonymous(), threading.Event(), []

    def watch():
        while not ended.wait(_EVERY):
            found.append(anonymous())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        kept = work()
        found.append(anonymous())
        del kept
    finally:
        ended.set()
        watcher.join()
    return max(found) - before
