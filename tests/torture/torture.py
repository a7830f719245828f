"""Saves that die, disks that fill, readers in between: ``make torture`` prints what came of it.

Every model is of one version: each of its numbers is that version, so half a model shows. The
children are forks; nothing here imports Keras unless ``--backend`` names one.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from kport import formats
from kport.checkpoint import Asset, Checkpoint, Kind, LazyTensor, ModelSpec
from kport.errors import KportError, SaveError

TARGETS = ("bundle", "model.keras")
TENSORS, SIZE = 8, 25_000  # 800 kB: a save takes some ten milliseconds, most of them in fsync
NOBODY = 65534
CONFIG = {"module": "keras", "class_name": "Sequential", "config": {"name": "net"}}


@dataclass
class Row:
    """What came of one kind of trouble."""

    trouble: str
    target: str
    tries: int = 0
    saved: int = 0
    refused: int = 0
    broken: list[str] = field(default_factory=list)
    strays: int = 0
    note: str = ""

    @property
    def ok(self) -> bool:
        return not self.broken and not self.strays


def model(version: int) -> Checkpoint:
    """Return a model every number of which is its version."""
    values = np.full(SIZE, version, "i4")
    tensors = [
        LazyTensor(
            f"layer{i}.kernel", (SIZE,), "int32", Kind.PARAMETER, lambda: values, f"layer{i}/vars/0"
        )
        for i in range(TENSORS)
    ]
    words = str(version).encode()
    asset = Asset("layer0/words.txt", len(words), lambda: words, "layer0/words.txt")
    return Checkpoint(
        ModelSpec(CONFIG),
        {one.name: one for one in tensors},
        assets={asset.name: asset},
        provenance={"writer": str(version)},
    )


def version_of(path: Path) -> int:
    """Return the version of the model at a path; ValueError where it is of two."""
    checkpoint = formats.read(path)
    found = {int(checkpoint.provenance["writer"])}
    for tensor in checkpoint.tensors.values():
        values = tensor.read()
        found |= {int(values.min()), int(values.max())}
    if len(found) != 1:
        raise ValueError(f"half a model: versions {sorted(found)}")
    return found.pop()


def look(row: Row, path: Path) -> None:
    """Note what is at the path if it is not one whole model."""
    try:
        version_of(path)
        problems = formats.check(path).problems
        if problems:
            row.broken.append(str(problems[0]))
    except (KportError, ValueError, KeyError) as error:
        row.broken.append(f"{type(error).__name__}: {error}"[:300])


def count_strays(row: Row, path: Path) -> None:
    row.strays += sum(one.name != path.name for one in path.parent.iterdir())


@contextmanager
def place(target: str) -> Iterator[Path]:
    """Give a path with a good model at it, alone in its folder."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "here" / target
        formats.write(model(1), path)
        yield path


def child(work: Callable[[], None]) -> int:
    """Run something in a fork; return its process id."""
    process = os.fork()
    if process == 0:
        status = 1
        try:
            work()
            status = 0
        except SaveError as error:
            status = error.exit_code
            print(error, file=sys.stderr)
        finally:
            os._exit(status)
    return process


def status_of(process: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def save_for_ever(path: Path, first: int) -> Callable[[], None]:
    def work() -> None:
        version = first
        while True:
            formats.write(model(version), path)
            version += 1

    return work


def kill(target: str, tries: int, seed: int) -> Row:
    """Kill a process that saves again and again, at random moments."""
    row, moments = Row("killed while saving", target, tries), random.Random(seed)  # noqa: S311  # no secret
    with place(target) as path:
        left = 0
        for number in range(tries):
            process = child(save_for_ever(path, 1000 * number))
            time.sleep(moments.uniform(0, 0.08))
            os.kill(process, signal.SIGKILL)
            status_of(process)
            look(row, path)
            left += sum(one.name != path.name for one in path.parent.iterdir())
            formats.write(model(7), path)
            count_strays(row, path)
            row.saved += version_of(path) == 7
        row.note = f"{left} left-overs of dead writers removed by the next save"
    return row


def full_by_limit(target: str, tries: int, seed: int) -> Row:
    """Save under a limit of the file size, which fails as a full disk does."""
    row, sizes = Row("disk full (RLIMIT_FSIZE)", target, tries), random.Random(seed)  # noqa: S311  # no secret
    with place(target) as path:
        for _ in range(tries):
            limit = sizes.randrange(1, 2 * TENSORS * SIZE * 4)
            finish(row, path, child(lambda limit=limit: limited(path, limit)))
    return row


def limited(path: Path, limit: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    formats.write(model(2), path)


def finish(row: Row, path: Path, process: int) -> None:
    """Note how a child that saved once ended, and what it left."""
    status = status_of(process)
    row.saved += status == 0
    row.refused += status == SaveError.exit_code
    if status not in (0, SaveError.exit_code):
        row.broken.append(f"the process ended with {status}")
    look(row, path)
    count_strays(row, path)


@contextmanager
def small_disk() -> Iterator[Path | None]:
    """Mount a tmpfs, or give None where that is not allowed."""
    with tempfile.TemporaryDirectory() as name:
        mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "none", name]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            yield None
            return
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "-l", name], check=False)  # noqa: S607  # as above


def remount(folder: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", str(folder)], check=True)  # noqa: S607  # our own words


def full_by_disk(target: str, tries: int, seed: int) -> Row:
    """Save on a file system with room for a part of the new model."""
    row, sizes = Row("disk full (tmpfs)", target), random.Random(seed)  # noqa: S311  # no secret
    with small_disk() as disk:
        if disk is None:
            row.note = "not run: no right to mount a tmpfs"
            return row
        path = disk / "here" / target
        formats.write(model(1), path)
        for _ in range(tries):
            used = shutil.disk_usage(disk).used
            remount(disk, f"size={used + sizes.randrange(1, int(2.2 * TENSORS * SIZE * 4))}")
            finish(row, path, child(lambda: formats.write(model(2), path)))
            remount(disk, "size=64m")
        row.tries = tries
    return row


def read_only(target: str) -> Row:
    """Save to and load from a file system mounted read-only."""
    row = Row("read-only file system", target)
    with small_disk() as disk:
        if disk is None:
            row.note = "not run: no right to mount a tmpfs"
            return row
        path = disk / "here" / target
        formats.write(model(1), path)
        remount(disk, "ro")
        finish(row, path, child(lambda: formats.write(model(2), path)))
        remount(disk, "rw")
        row.tries = 1
    return row


def no_permission(target: str) -> Row:
    """Save into a folder that may be read only."""
    row = Row("no permission", target, 1)
    with place(target) as path:
        os.chmod(path.parent.parent, 0o755)  # noqa: S103  # so that nobody comes as far as here
        os.chmod(path.parent, 0o555)  # noqa: S103  # the trouble

        def work() -> None:
            if os.getuid() == 0:
                os.setuid(NOBODY)
            formats.write(model(2), path)

        finish(row, path, child(work))
        os.chmod(path.parent, 0o755)  # noqa: S103  # so that it can be removed
    return row


def sync_fails(target: str) -> Row:
    """Let each call of fsync fail in turn."""
    row, real = Row("fsync fails", target), os.fsync
    with place(target) as path:
        for failing in range(1, 100):
            calls = 0

            def fsync(handle: int, failing: int = failing) -> None:
                nonlocal calls
                calls += 1
                if calls == failing:
                    raise OSError(errno.EIO, "Input/output error")
                real(handle)

            os.fsync = fsync
            try:
                formats.write(model(2), path)
                row.saved += 1
            except SaveError:
                row.refused += 1
            finally:
                os.fsync = real
            look(row, path)
            count_strays(row, path)
            if calls < failing:
                break
            row.tries += 1
    return row


def together(target: str, saves: int) -> Row:
    """Let two processes save to one path while this one reads."""
    row, reads = Row("two writers, one reader", target, 2 * saves), 0
    with place(target) as path:

        def work(first: int) -> Callable[[], None]:
            return lambda: [formats.write(model(first + i), path) for i in range(saves)] and None

        running = [child(work(1000)), child(work(2000))]
        statuses: list[int] = []
        while running:
            try:
                version_of(path)
            except (KportError, ValueError) as error:
                row.broken.append(f"{type(error).__name__}: {error}"[:300])
            reads += 1
            for process in list(running):
                done, status = os.waitpid(process, os.WNOHANG)
                if done:
                    running.remove(process)
                    statuses.append(os.waitstatus_to_exitcode(status))
        row.saved = saves * statuses.count(0)
        row.refused = statuses.count(SaveError.exit_code)
        row.broken += [f"a writer ended with {one}" for one in statuses if one]
        count_strays(row, path)
    row.note = f"{reads} reads in between, each of one whole model"
    return row


def threads(target: str, count: int = 16, loads: int = 20) -> Row:
    """Let threads read one model at once."""
    row = Row(f"{count} threads read", target, count * loads)
    whole: list[bool] = []
    with place(target) as path:

        def work() -> None:
            for _ in range(loads):
                try:
                    whole.append(version_of(path) == 1)
                except (KportError, ValueError) as error:
                    row.broken.append(str(error))

        started = [threading.Thread(target=work) for _ in range(count)]
        for one in started:
            one.start()
        for one in started:
            one.join()
    row.saved = sum(whole)
    return row


def held() -> tuple[int, int, int]:
    """Return resident kilobytes, open handles and memory maps of this process."""
    status = Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]
    handles = len(os.listdir("/proc/self/fd"))
    return int(status), handles, len(Path("/proc/self/maps").read_text().splitlines())


def leaks(target: str, cycles: int, once: Callable[[Path], None]) -> Row:
    """Save and load again and again; nothing may grow."""
    row = Row("save and load again and again", target, cycles)
    with place(target) as path:
        for _ in range(min(20, cycles)):  # what grows once is a cache
            once(path)
        before = held()
        for _ in range(cycles):
            once(path)
            row.saved += 1
        grown = [now - then for now, then in zip(held(), before, strict=True)]
    row.note = f"grown by {grown[0]} kB, {grown[1]} handles, {grown[2]} maps"
    if grown[0] > 8_000 or grown[1] > 0 or grown[2] > 8:
        row.broken.append(row.note)
    return row


def once_plain(path: Path) -> None:
    formats.write(model(3), path)
    version_of(path)


BACKEND_CHILD = """
import sys, numpy, keras, kport
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(20_000, use_bias=False)])
print("ready", flush=True)
for version in range(10**9):
    model.layers[0].kernel.assign(numpy.full((8, 20_000), version % 1000, "f4"))
    kport.save(model, sys.argv[1])
    if version == 0: print("saved", flush=True)
"""


def kill_backend(target: str, tries: int, seed: int, backend: str) -> Row:
    """Kill a process in `kport.save` of a live model."""
    import kport

    row, moments = Row(f"killed in kport.save ({backend})", target, tries), random.Random(seed)  # noqa: S311  # no secret
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / target
        for _ in range(tries):
            process = subprocess.Popen(
                [sys.executable, "-c", BACKEND_CHILD, str(path)], stdout=subprocess.PIPE, text=True
            )
            assert process.stdout is not None
            while process.stdout.readline().strip() != "saved":
                pass
            time.sleep(moments.uniform(0, 0.2))
            process.kill()
            process.wait()
            values = kport.load(path, check="full").weights[0].numpy()
            if values.min() != values.max():
                row.broken.append("half a model")
            row.saved += 1
    return row


def leaks_backend(target: str, cycles: int, backend: str) -> Row:
    """Save and load a live model again and again."""
    import keras

    import kport

    one = keras.Sequential([keras.Input((8,)), keras.layers.Dense(64), keras.layers.Dense(8)])

    def once(path: Path) -> None:
        kport.save(one, path)
        kport.load(path)
        keras.backend.clear_session()

    with tempfile.TemporaryDirectory() as name:
        kport.save(one, Path(name) / target)
    row = leaks(target, cycles, once)
    row.trouble += f" ({backend})"
    return row


def rows(options: argparse.Namespace) -> Iterator[Row]:
    for target in TARGETS:
        yield kill(target, options.kills, options.seed)
        yield full_by_disk(target, options.full, options.seed)
        yield full_by_limit(target, options.full, options.seed)
        yield sync_fails(target)
        yield no_permission(target)
        yield read_only(target)
        yield together(target, options.saves)
        yield leaks(target, options.cycles, once_plain)
        yield threads(target)
        if options.backend:
            yield kill_backend(target, 5, options.seed, options.backend)
            yield leaks_backend(target, options.cycles // 10, options.backend)


def shown(row: Row) -> str:
    state = "whole" if row.ok else f"**BROKEN**: {len(row.broken)}, e.g. {row.broken[:1]}"
    cells = (row.trouble, row.target, row.tries, row.saved, row.refused, row.strays, state)
    return "| " + " | ".join(map(str, cells)) + f" | {row.note} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("kills", 200), ("full", 50), ("saves", 200), ("cycles", 1000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--backend", choices=("tensorflow", "jax", "torch"))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.backend:
        os.environ["KERAS_BACKEND"] = options.backend
    if not options.json:
        print("| trouble | target | tries | saved | refused | left over | the model | |")
        print("|---|---|---|---|---|---|---|---|")
    good = True
    for row in rows(options):
        print(json.dumps({**asdict(row), "ok": row.ok}) if options.json else shown(row), flush=True)
        good = good and row.ok
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
