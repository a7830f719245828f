"""Measure kport against the disk, safetensors and Keras, in one run: `make bench`.

Every figure is a ratio to another one of the same run. Figures are kept in benchmarks/figures.json
as soon as a worker has ended, so a run that was stopped goes on where it was; --fresh begins anew.
Orbax takes part on JAX where it is installed: .venv/bin/pip install orbax-checkpoint.
"""

import argparse
import json
import tempfile
from pathlib import Path

import machine
import plot
import report
import start
import watch

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "figures.json"
UNITS = {"MB": 10**6, "GB": 10**9}
ROUNDS = 5
MESH = 500 * 10**6

EVERY = [
    "raw",
    "kport bundle",
    "safetensors load_file",
    "kport .keras",
    "Keras .keras",
    "Keras .keras, then fsync",
    "Keras .weights.h5",
    "safetensors save_file",
    "Orbax",
]
MANY = ["raw", "kport bundle", "kport .keras", "Keras .keras"]
COLD = ["raw", "kport bundle", "safetensors load_file"]
# Above this, Keras takes minutes a round, and its ratio is known from the sizes below.
SLOW = 2 * 10**9


def main():
    options = parse()
    if options.fresh:
        FIGURES.unlink(missing_ok=True)
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    figures["machine"] = machine.described()
    with tempfile.TemporaryDirectory(prefix="kport-bench-", dir=options.folder) as folder:
        if "start" not in figures:
            keep(figures, "start", start.measured(folder))
        if "mesh" not in figures and "jax" in options.backends.split(","):
            work = {"bytes": MESH, "folder": folder}
            keep(figures, "mesh", watch.run("jax", work, script="mesh.py"))
        for size in options.sizes.split(","):
            for backend in options.backends.split(","):
                key = f"{backend} {size}"
                if "acts" not in figures.get(key, {}):
                    print(key, flush=True)
                    why = missing_memory(size)
                    found = {"left out": why} if why else watch.run(backend, task(size, folder))
                    keep(figures, key, found)
    print("written: benchmarks/RESULTS.md, benchmarks/speed.svg")


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10MB,100MB,1GB,many,4GB")
    parser.add_argument("--backends", default="torch,jax,tensorflow")
    parser.add_argument("--folder", help="on the disk to be measured; default: that of the system")
    parser.add_argument("--fresh", action="store_true")
    return parser.parse_args()


def task(size, folder):
    nbytes = bytes_of(size)
    large = nbytes > SLOW
    return {
        "bytes": nbytes,
        "variables": 10_000 if size == "many" else 0,
        "rounds": ROUNDS,
        "sides": MANY if size == "many" else EVERY[:3] if large else EVERY,
        "cold": COLD if not large and nbytes >= UNITS["GB"] else [],
        "folder": folder,
    }


def bytes_of(size):
    return 0 if size == "many" else int(float(size[:-2]) * UNITS[size[-2:]])


def missing_memory(size):
    """Say why a size is left out: model, loaded model and the files in the page cache need room."""
    wanted, free = 4 * bytes_of(size), machine.free_memory()
    return f"{wanted / 1e9:.0f} GB of memory needed, {free / 1e9:.0f} free" if wanted > free else ""


def keep(figures, key, value):
    figures[key] = value
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
    runs = {key: run for key, run in figures.items() if " " in key and "acts" in run}
    (ROOT / "RESULTS.md").write_text(report.rendered(figures, runs))
    (ROOT / "speed.svg").write_text(plot.drawn(runs))


if __name__ == "__main__":
    main()
