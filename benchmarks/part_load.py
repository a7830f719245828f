"""Time and bytes to load one part of a bundle: against all of it, and Keras with that part alone.

KERAS_BACKEND=torch python benchmarks/part_load.py [FOLDER [ROUNDS]]

A model of 1 GB has a part of 10 MB; the bundle keeps the two apart. Medians of loads in a row, in
one process that has loaded each before. *Cold* means that `posix_fadvise(DONTNEED)` took the files
out of the page cache before each, though not out of the disk's own. Bytes are those that the
process had the disk read (`/proc/self/io`).
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import keras

import kport

WIDE, NARROW = 5_500, 1_100  # units: 8 kernels of 121 MB, 2 of 4.8 MB


@kport.register("benchmark")
class Towers(keras.Model):
    """Two stacks that nothing but their inputs connects."""

    def __init__(self):
        super().__init__()
        self.large = stack("large", 8, WIDE)
        self.small = stack("small", 2, NARROW)

    def call(self, wide, narrow):
        return self.large(wide), self.small(narrow)


def stack(name, depth, units):
    layers = [keras.layers.Dense(units) for _ in range(depth)]
    return keras.Sequential([keras.Input((units,)), *layers], name=name)


def prepare(cold, *paths):
    """Take the files out of the page cache, or see that they are there."""
    for path in paths:
        for file in filter(Path.is_file, [path, *path.rglob("*")]):
            with file.open("rb", buffering=0) as handle:
                if cold:
                    os.fdatasync(handle)
                    os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                while not cold and handle.read(1 << 24):
                    pass


def bytes_read():
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["read_bytes"])


def timed(load):
    bytes_before, start = bytes_read(), time.perf_counter()
    load()  # which looks at every byte: kport for its checksum, Keras for a copy
    return time.perf_counter() - start, bytes_read() - bytes_before


def main(folder=None, rounds="7"):
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        bundle, archive = Path(temporary, "towers"), Path(temporary, "small.keras")
        model = Towers()
        model(keras.ops.ones((1, WIDE)), keras.ops.ones((1, NARROW)))
        kport.save(model, bundle, split=["large", "small"])
        model.small.save(archive)
        del model
        sides = {
            "the whole": lambda: kport.load(bundle),
            "the part": lambda: kport.load(bundle, part="small"),
            "Keras, the part alone": lambda: keras.saving.load_model(archive),
        }
        measured = {(name, cold): [] for cold in (True, False) for name in sides}
        for load in sides.values():
            load()
        for (name, cold), found in measured.items():
            prepare(cold, bundle, archive)
            for _ in range(int(rounds)):
                if cold:
                    prepare(cold, bundle, archive)
                found.append(timed(sides[name]))
    for cold in (True, False):
        whole = statistics.median(seconds for seconds, _ in measured["the whole", cold])
        print("cold" if cold else "out of the page cache")
        for name in sides:
            median = statistics.median(seconds for seconds, _ in measured[name, cold])
            read = statistics.median(count for _, count in measured[name, cold])
            print(f"  {name:22} {median * 1e3:7.1f} ms {median / whole:7.2%} {read / 1e6:8.2f} MB")


if __name__ == "__main__":
    main(*sys.argv[1:])
