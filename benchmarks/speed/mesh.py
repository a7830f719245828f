"""One process, eight simulated devices of JAX: a model that they hold together, saved and loaded.

python mesh.py '{"bytes": 500000000, "folder": ...}', with KERAS_BACKEND=jax; see worker.py. Loads
are cold, so that what comes from the disk can be counted.
"""

import json
import os
import sys
import time
from pathlib import Path

DEVICES = 8
os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={DEVICES}"

import keras  # noqa: E402  # JAX counts its devices when it is imported
import worker  # noqa: E402

import kport  # noqa: E402

_LAYERS = 8
_COLUMNS, _ROWS, _WHOLE = (None, "model"), ("model", None), (None, None)
_LOADS = [
    ("columns", _COLUMNS, 8),
    ("columns", _COLUMNS, 4),
    ("rows", _ROWS, 8),
    ("all", _WHOLE, 8),
]


def main(task):
    folder, models = Path(task["folder"]), []
    side = 8 * round((task["bytes"] / 4 / _LAYERS) ** 0.5 / 8)

    def save():
        kport.save(models[0], folder / "mesh")

    def load():
        models.append(kport.load(folder / "mesh"))

    for size, quiet in ((8, True), (side, False)):
        lay(_COLUMNS, DEVICES)
        layers = [keras.layers.Dense(size) for _ in range(_LAYERS)]
        models[:] = [keras.Sequential([keras.Input((size,)), *layers])]
        if not quiet:
            values = [one.value for one in models[0].variables]
            worker.say(bytes=sum(one.nbytes for one in values), variables=len(values))
            del values
        act("save", "columns on 8", quiet, save)
        del layers
        for name, kernels, count in _LOADS:
            lay(kernels, count)
            models.clear()
            worker.drop(folder / "mesh")
            act("cold load", f"{name} on {count}", quiet, load)
    worker.remove(folder / "mesh")


def lay(kernels, count):
    """Put later models on so many devices, their kernels cut that way."""
    devices = keras.distribution.list_devices()[:count]
    mesh = keras.distribution.DeviceMesh((1, count), ["batch", "model"], devices)
    rules = keras.distribution.LayoutMap(mesh)
    rules[".*kernel"] = kernels
    keras.distribution.set_distribution(
        keras.distribution.ModelParallel(layout_map=rules, auto_shard_dataset=False)
    )


def act(what, side, quiet, call):
    worker.give_back()
    before, start = from_disk(), time.monotonic()
    call()
    stop = time.monotonic()
    if not quiet:
        worker.say(act=what, side=side, start=start, stop=stop, read=from_disk() - before)


def from_disk():
    rows = Path("/proc/self/io").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("read_bytes"))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
