"""Try malicious files on every entrance of kport, watched; run in a process of its own.

python runner.py JOBS: a JSON list of ``[name, path, entrance]``; prints one JSON line for each:
what was raised, and what happened that must never happen. The watch is an audit hook, which sees
what Python does; what a C library does below it is bounded by the limit of memory, and a file that
it opened would be seen in the result, since every attack is to end in a refusal.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MEMORY = 1 << 30  # beyond what the process has when everything is imported
LIBRARIES = tuple(
    {os.path.realpath(one) for one in (sys.prefix, sys.base_prefix, os.path.dirname(os.__file__))}
)
FORBIDDEN = (
    "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile", "os.system",
    "pickle.find_class", "socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen",
    "ctypes.dlopen", "urllib.Request", "webbrowser.open",
)  # fmt: skip
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Watch:
    """Notes what happens while it is on."""

    def __init__(self) -> None:
        self.on = False
        self.allowed: tuple[str, ...] = ()
        self.seen: list[str] = []
        self.modules: frozenset[str] = frozenset()

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        self.on = False  # what the hook itself does is not watched
        try:
            self.note(event, arguments)
        finally:
            self.on = True

    def note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(FORBIDDEN):
            self.seen.append(f"{event} {arguments!r}"[:200])
        elif event == "open" and isinstance(arguments[0], (str, bytes)):
            self.opened(os.path.realpath(os.fsdecode(arguments[0])), arguments[2])
        elif event == "import" and not self.is_known(arguments[0].partition(".")[0]):
            self.seen.append(f"import {arguments[0]}")
        elif event in ("compile", "exec", "marshal.loads") and not within_library():
            self.seen.append(f"{event} {arguments!r}"[:200])

    def opened(self, path: str, flags: int) -> None:
        mine = path.startswith((*self.allowed, "/proc/", "/sys/", "/dev/"))
        read_only = not flags & WRITES
        if not mine and not (read_only and path.startswith((*LIBRARIES, f"{ROOT}/"))):
            self.seen.append(f"open {path}")

    def is_known(self, module: str) -> bool:
        return module in sys.stdlib_module_names or module in self.modules


def within_library() -> bool:
    """Whether the code that compiles or runs something is a library's or the import system's."""
    frame = sys._getframe(3)
    name = frame.f_code.co_filename
    return name.startswith(("<frozen ", *LIBRARIES)) or "/site-packages/" in name


def read(path: Path) -> None:
    from kport import formats

    checkpoint = formats.read(path)
    for tensor in checkpoint.tensors.values():
        tensor.read()
    for asset in checkpoint.assets.values():
        asset.read()


def inspect(path: Path) -> None:
    import kport

    kport.inspect(path).to_json()


def check(path: Path) -> None:
    import kport

    kport.check(path)


def diff(path: Path) -> None:
    import kport

    kport.diff(path, path).to_json()


def convert(path: Path) -> None:
    import kport

    kport.convert(path, path.parent / "out")


def load(path: Path) -> None:
    import kport

    kport.load(path, compile=True)


def part(path: Path) -> None:
    import kport

    kport.load(path, part="dense")


def load_weights(path: Path) -> None:
    import keras

    import kport

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="dense")])
    kport.load_weights(model, path)


ENTRANCES: dict[str, Callable[[Path], None]] = {
    one.__name__: one for one in (read, inspect, check, diff, convert, load, part, load_weights)
}


def warm_up(entrances: set[str]) -> None:
    """Import all that the entrances need, so that what is imported later is the file's doing."""
    import numpy  # noqa: F401  # as the reason above says

    import kport
    import kport_compat.h5
    import kport_compat.savedmodel  # noqa: F401

    kport.inspect(ROOT / "examples/legacy/digits.h5")
    if entrances & {"load", "part", "load_weights", "convert"} and "KERAS_BACKEND" in os.environ:
        kport.load(ROOT / "examples/legacy/digits.h5")


def limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def attempt(watch: Watch, path: Path, entrance: str) -> dict[str, Any]:
    # In the cache of the Hub the bundle is made of links to the blobs beside the snapshots.
    blobs = [one.parent / "blobs" for one in path.parents if one.name == "snapshots"]
    watch.allowed = tuple(os.path.abspath(one) for one in (path.parent.resolve(), *blobs))
    watch.seen = []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    watch.on = True
    error, text = "", ""
    try:
        ENTRANCES[entrance](path)
    except BaseException as raised:  # noqa: BLE001  # what comes out is what is asked
        error, text = type(raised).__name__, str(raised)
        kind = [one.__name__ for one in type(raised).__mro__]
        if "KportError" not in kind:
            watch.seen.append(f"foreign exception {error}: {text}"[:300])
    finally:
        watch.on = False
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {
        "error": error,
        "text": text,
        "seen": watch.seen,
        "seconds": round(time.process_time() - start, 3),
        "grown_kb": grown,
    }


def main() -> None:
    jobs = json.loads(Path(sys.argv[1]).read_text())
    warm_up({entrance for _, _, entrance in jobs})
    watch = Watch()
    watch.modules = frozenset(name.partition(".")[0] for name in sys.modules)
    sys.addaudithook(watch)
    limit_memory()
    for name, path, entrance in jobs:
        result = attempt(watch, Path(path), entrance)
        print(json.dumps({"name": name, "entrance": entrance, **result}), flush=True)


if __name__ == "__main__":
    main()
