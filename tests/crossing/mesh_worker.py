"""Train, save and load under a mesh of devices; run by test_mesh.py in processes of their own.

The arguments are steps to take one after another, each of them words with commas between:

    train,LAYOUT,FOLDER         make FOLDER/bundle, and what a loaded model is compared with
    load,LAYOUT,FOLDER,ANSWER   load it, train on, and write what was found
    save,LAYOUT,FOLDER,TARGET   load it, and save it to TARGET
    die,LAYOUT,FOLDER           train on and save it over the old one; process 1 dies half-way

RANK and PORT in the environment make it one of two processes. In the layout "plain" there is no
mesh.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

import kport
from kport.formats import _mapped

RANK = os.environ.get("RANK")
LEAD = RANK in (None, "0")
# Layout -> shape of the mesh, rows along the batch.
MESHES = {"data": (8, 1), "wide": (1, 8), "grid": (2, 4)}


def join() -> None:
    """Become one of two processes."""
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    address = f"127.0.0.1:{os.environ['PORT']}"
    jax.distributed.initialize(address, num_processes=2, process_id=int(RANK or 0))


def lay(layout: str) -> None:
    """Put every later model on a mesh."""
    if layout == "plain":
        keras.distribution.set_distribution(None)
        return
    if layout == "data":
        chosen = keras.distribution.DataParallel(auto_shard_dataset=False)
        keras.distribution.set_distribution(chosen)
        return
    mesh = keras.distribution.DeviceMesh(MESHES[layout], ["batch", "model"])
    rules = keras.distribution.LayoutMap(mesh)
    rules[".*columns.*kernel"] = (None, "model")
    rules[".*columns.*bias"] = ("model",)
    rules[".*rows.*kernel"] = ("model", None)
    rules[".*table.*embeddings"] = ("model", "batch")
    keras.distribution.set_distribution(
        keras.distribution.ModelParallel(
            layout_map=rules, batch_dim_name="batch", auto_shard_dataset=False
        )
    )


def make() -> keras.Model:
    """A model with a parameter along each axis, state, seeds, and an optimizer with slots."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((4,), dtype="int32"),
            keras.layers.Embedding(64, 16, name="table"),
            keras.layers.Flatten(),
            keras.layers.Dense(8192, activation="relu", name="columns"),
            keras.layers.Dropout(0.1, seed=3),
            keras.layers.Dense(64, name="rows"),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(8, name="out"),
        ]
    )
    model.compile("adam", "mse", metrics=["mae"])
    return model


def train(model: keras.Model, epochs: int) -> None:
    random = np.random.default_rng(0)
    x = random.integers(0, 64, (32, 4)).astype("int32")
    y = random.normal(size=(32, 8)).astype("float32")
    if RANK is not None and keras.distribution.distribution().device_mesh.shape[0] > 1:
        x, y = x[int(RANK) :: 2], y[int(RANK) :: 2]  # each process feeds its own share
    model.fit(x, y, epochs=epochs, shuffle=False, batch_size=len(x) // 2, verbose=0)


def variables(model: keras.Model) -> list[keras.Variable]:
    found = [*model.weights, *model.non_trainable_variables, *model.optimizer.variables]
    return [*found, *model.metrics_variables]


def whole(variable: keras.Variable) -> np.ndarray[Any, Any]:
    value = variable.value
    if getattr(value, "is_fully_addressable", True):
        return np.asarray(keras.ops.convert_to_numpy(value))
    from jax.experimental.multihost_utils import process_allgather

    return np.asarray(process_allgather(value, tiled=True))


def dump(model: keras.Model, path: Path) -> None:
    arrays = [whole(one) for one in variables(model)]
    if LEAD:
        np.savez(path, *arrays)


def do_train(folder: Path) -> None:
    model = make()
    train(model, 2)
    kport.save(model, folder / "bundle")
    dump(model, folder / "saved.npz")
    train(model, 1)
    dump(model, folder / "later.npz")


def do_load(folder: Path, answer: Path) -> None:
    asked = watch_reads()
    model = kport.load(folder / "bundle")
    found = {"read": total(asked), "own": own_bytes(model), "laid out": laid_out(model)}
    found["saved"] = differences(model, folder / "saved.npz")
    train(model, 1)
    found["later"] = differences(model, folder / "later.npz")
    answer.with_suffix(f".{RANK or 0}.json").write_text(json.dumps(found))


def do_save(folder: Path, target: Path) -> None:
    kport.save(kport.load(folder / "bundle"), target)


def do_die(folder: Path) -> None:
    from kport.formats.bundle import _write_together

    model = kport.load(folder / "bundle")
    train(model, 1)
    put = _write_together._put

    def put_some(*given: Any) -> None:
        put(*given)
        if RANK == "1":
            os.kill(os.getpid(), signal.SIGKILL)

    _write_together._put = put_some
    kport.save(model, folder / "bundle")


def watch_reads() -> dict[str, list[tuple[int, int]]]:
    """Note every range of bytes that is asked of a file."""
    asked: dict[str, list[tuple[int, int]]] = {}
    expect, copy_to = _mapped.MappedFile.expect, _mapped.MappedFile.copy_to

    def noted(self: _mapped.MappedFile, start: int, stop: int) -> None:
        asked.setdefault(str(self.path), []).append((start, stop))
        expect(self, start, stop)

    def copied(self: _mapped.MappedFile, target: memoryview, start: int) -> None:
        asked.setdefault(str(self.path), []).append((start, start + len(target)))
        copy_to(self, target, start)

    _mapped.MappedFile.expect = noted  # type: ignore[method-assign]
    _mapped.MappedFile.copy_to = copied  # type: ignore[method-assign]
    return asked


def total(asked: dict[str, list[tuple[int, int]]]) -> int:
    return sum(stop - start for ranges in asked.values() for start, stop in set(ranges))


def own_bytes(model: keras.Model) -> int:
    """The bytes of the different parts that the devices of this process hold."""
    if keras.backend.backend() != "jax":
        return 0
    size = 0
    for variable in {id(one): one for one in variables(model)}.values():
        parts = {str(one.index): one.data.nbytes for one in variable.value.addressable_shards}
        size += sum(parts.values())
    return size


def laid_out(model: keras.Model) -> list[str]:
    """The variables whose values do not lie as the distribution asks."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        return []
    wrong = []
    for one in variables(model):
        wanted = distribution.get_variable_layout(one).backend_layout
        if not one.value.sharding.is_equivalent_to(wanted, one.value.ndim):
            wrong.append(f"{one.path}: {one.value.sharding}")
    return wrong


def differences(model: keras.Model, expected: Path) -> list[str]:
    with np.load(expected) as arrays:
        values = list(arrays.values())
    pairs = zip(variables(model), values, strict=True)
    return [one.path for one, value in pairs if not np.array_equal(whole(one), value)]


STEPS = {"train": do_train, "load": do_load, "save": do_save, "die": do_die}

if __name__ == "__main__":
    if RANK is not None:
        join()
    for step in sys.argv[1:]:
        verb, layout, *paths = step.split(",")
        lay(layout)
        STEPS[verb](*map(Path, paths))
