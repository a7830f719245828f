"""Time to load a SavedModel: kport on JAX against TensorFlow, whole processes, in one run.

python benchmarks/savedmodel_load.py SAVED_MODEL [ROUNDS]

The processes take turns, so a busy machine slows both. What counts is the ratio of the medians;
the exit status is 1 if kport is the slower one. `make_resnet50.py` writes a model to measure.
"""

import os
import statistics
import subprocess
import sys
import time

SIDES = {
    "kport on JAX": ("jax", "import kport; kport.load(PATH)"),
    "TensorFlow": ("tensorflow", "import tensorflow as tf; tf.saved_model.load(PATH)"),
}


def seconds(backend, code, path):
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", f"PATH = {path!r}; {code}"]
    start = time.perf_counter()
    subprocess.run(
        command,
        check=True,
        env={**os.environ, **quiet, "KERAS_BACKEND": backend},
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - start


def main(path, rounds="5"):
    times = {name: [] for name in SIDES}
    for _ in range(int(rounds)):
        for name, side in SIDES.items():
            times[name].append(seconds(*side, path))
    medians = {name: statistics.median(one) for name, one in times.items()}
    for name, median in medians.items():
        print(f"{name:14} {median:6.2f} s   {min(times[name]):.2f} to {max(times[name]):.2f}")
    ours, theirs = medians.values()
    print(f"ratio          {ours / theirs:6.2f}")
    return int(ours >= theirs)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
