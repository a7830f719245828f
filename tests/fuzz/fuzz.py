"""Feed changed files to every reader: ``make fuzz SECONDS=60`` or ``RUNS=2000000``; prints a table.

``SECONDS`` are of each reader. ``RUNS`` are of all together: each reader gets `AT_LEAST` as many,
and of the rest as many as it reads in the same time as the others.

Each reader runs in forks with a limit of memory, each input under an alarm. What crashes one, takes
longer than `HANG` seconds or raises anything but an error of kport is kept in ``corpus/``, and
`test_fuzz.py` reads it from then on. With ``--engine atheris`` (pip install atheris) one reader is
driven by coverage in this process instead: ``--reader "HDF5 weights" --engine atheris``.
"""

from __future__ import annotations

import argparse
import hashlib
import mmap
import os
import random
import resource
import signal
import struct
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

if "atheris" in sys.argv:  # it has to see everything that is imported
    import atheris

    with atheris.instrument_imports(include=["kport", "kport_compat"]):
        from targets import FOLDER, TARGETS, Target
else:
    from targets import FOLDER, TARGETS, Target

from kport.errors import KportError

CORPUS = Path(__file__).with_name("corpus")
HANG = 5
AT_LEAST = 40_000
FOREVER = 10**12
MEMORY = 2 << 30
LARGEST = 1 << 22  # of an input
KEEPING = "--no-keep" not in sys.argv


class Hang(BaseException):
    """An input took too long."""


def alarm(*_: object) -> None:
    raise Hang


@dataclass
class Counts:
    """What came of one reader."""

    runs: int = 0
    taken: int = 0
    crashes: int = 0
    hangs: int = 0
    foreign: int = 0
    seconds: float = 0.0

    def add(self, more: Counts) -> None:
        """Add what came of more inputs."""
        for name, value in vars(more).items():
            setattr(self, name, getattr(self, name) + value)

    @property
    def rate(self) -> float:
        """Inputs in a second."""
        return self.runs / max(self.seconds, 1e-9)


def attempt(target: Target, data: bytes) -> tuple[str, str]:
    """Return ``taken``, ``refused``, ``hang`` or ``foreign``, and the words of the last."""
    signal.signal(signal.SIGVTALRM, alarm)
    signal.setitimer(signal.ITIMER_VIRTUAL, HANG)  # seconds of work, whatever else runs here
    try:
        target.read(data)
    except KportError:
        return "refused", ""
    except Hang:
        return "hang", ""
    except BaseException as error:  # noqa: BLE001  # all that is no error of kport is a find
        return "foreign", f"{type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return "taken", ""


def keep(name: str, data: bytes, what: str, words: str = "") -> None:
    folder = CORPUS / name.replace(" ", "_")
    place = folder / f"{what}-{hashlib.sha256(data).hexdigest()[:12]}.bin"
    if KEEPING:
        folder.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    print(f"  {name}: {what}: {place.name} {words[:200]}", file=sys.stderr)


def work(
    name: str, shared: mmap.mmap, seed: int, runs: int, deadline: float, known: set[str]
) -> None:
    """Run in a fork: change, remember, read."""
    target, chance = TARGETS[name], random.Random(seed)  # noqa: S311  # no secret
    inputs = list(target.seeds())
    pages = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (pages + MEMORY, pages + MEMORY))
    warnings.simplefilter("ignore")
    totals = [0, 0, 0, 0]
    for _ in range(runs):
        data = target.mutate(chance.choice(inputs), chance)[:LARGEST]
        shared[32 : 40 + len(data)] = struct.pack("<Q", len(data)) + data
        outcome, words = attempt(target, data)
        totals[0] += 1
        totals[1] += outcome == "taken"
        if outcome == "taken" and len(inputs) < 200:
            inputs.append(data)
        if outcome in ("hang", "foreign"):
            totals[2 if outcome == "hang" else 3] += 1
            if words.partition(":")[0] + outcome not in known or len(known) < 20:
                known.add(words.partition(":")[0] + outcome)
                keep(name, data, outcome, words)
        shared[:32] = struct.pack("<4Q", *totals)
        if time.monotonic() > deadline:
            break


def fuzz(name: str, runs: int, seconds: float, seed: int) -> Counts:
    """Fuzz one reader, beginning again in a new fork whenever one dies."""
    found, start = Counts(), time.monotonic()
    deadline = start + seconds
    died = 0
    while found.runs < runs and time.monotonic() < deadline and died < 20:
        shared = mmap.mmap(-1, LARGEST + 64)
        process = os.fork()
        if process == 0:
            work(name, shared, seed + died, runs - found.runs, deadline, set())
            os._exit(0)
        status = end_of(process, shared)
        done, taken, hangs, foreign = struct.unpack("<4Q", shared[:32])
        found.runs, found.taken = found.runs + done, found.taken + taken
        found.hangs, found.foreign = found.hangs + hangs, found.foreign + foreign
        if status:
            what = "hang" if status == -signal.SIGKILL else "crash"
            found.hangs, found.crashes = (
                found.hangs + (what == "hang"),
                found.crashes + (what == "crash"),
            )
            died += 1
            (size,) = struct.unpack("<Q", shared[32:40])
            keep(name, shared[40 : 40 + size], what, f"ended with {status}")
    found.seconds = time.monotonic() - start
    return found


def end_of(process: int, shared: mmap.mmap) -> int:
    """Wait for a fork, and kill one that hangs where Python's alarm does not reach."""
    seen, since = b"", time.monotonic()
    while True:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if shared[:8] != seen:
            seen, since = shared[:8], time.monotonic()
        elif time.monotonic() - since > 3 * HANG:
            os.kill(process, signal.SIGKILL)
        time.sleep(0.05)


def with_atheris(name: str, arguments: list[str]) -> None:
    """Let coverage guide the changes; never returns."""

    def once(data: bytes) -> None:
        outcome, words = attempt(TARGETS[name], data)
        if outcome in ("hang", "foreign"):
            keep(name, data, outcome, words)
            raise RuntimeError(words)

    seeds = FOLDER / "seeds"
    seeds.mkdir()
    for number, data in enumerate(TARGETS[name].seeds()):
        (seeds / str(number)).write_bytes(data)
    atheris.Setup([sys.argv[0], *arguments, str(seeds)], once)
    atheris.Fuzz()


def shown(name: str, found: Counts) -> str:
    cells: list[Any] = [name, found.runs, found.taken, found.crashes, found.hangs]
    return "| " + " | ".join(map(str, [*cells, found.foreign, f"{found.rate:,.0f}"])) + " |"


def spread(names: list[str], total: int, seed: int) -> Iterator[tuple[str, Counts]]:
    """Fuzz all readers, and yield what came of each."""
    first = min(AT_LEAST, total // len(names))
    counts: dict[str, Counts] = {}
    for name in names:
        print(f"fuzz: {name}: {first} inputs", file=sys.stderr, flush=True)
        counts[name] = fuzz(name, first, FOREVER, seed)
    rest, rates = total - first * len(names), sum(one.rate for one in counts.values())
    for name, found in counts.items():
        more = round(rest * found.rate / rates)
        print(f"fuzz: {name}: {more} more", file=sys.stderr, flush=True)
        found.add(fuzz(name, more, FOREVER, seed + 1_000_000))
        yield name, found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--total", type=int, default=None, help="inputs of all readers together")
    parser.add_argument("--runs", type=int, default=FOREVER, help="of each reader")
    parser.add_argument("--seconds", type=float, default=None, help="of each reader")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reader", action="append", choices=sorted(TARGETS))
    parser.add_argument("--engine", choices=("plain", "atheris"), default="plain")
    parser.add_argument("--no-keep", action="store_true", help="keep no inputs in corpus/")
    options, rest = parser.parse_known_args()
    names = options.reader or list(TARGETS)
    if options.engine == "atheris":
        with_atheris(names[0], rest)
    seconds = options.seconds or (20 if options.runs == FOREVER else FOREVER)
    print("| reader | inputs read | taken | crashes | hangs | foreign errors | inputs/s |")
    print("|---|---|---|---|---|---|---|")
    each = ((name, fuzz(name, options.runs, seconds, options.seed)) for name in names)
    total = Counts()
    for name, found in spread(names, options.total, options.seed) if options.total else each:
        total.add(found)
        print(shown(name, found), flush=True)
    print(shown("together", total))
    return 1 if total.crashes + total.hangs + total.foreign else 0


if __name__ == "__main__":
    sys.exit(main())
