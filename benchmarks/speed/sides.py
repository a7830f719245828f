"""Who is measured: for each, how it saves and how it loads.

`save(model, path)` ends when the call that a user would make ends: raw and kport bring their bytes
to the disk, the others leave them to the system. What a load gives back is touched page by page.
"""

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np

import kport

_STEP = 1 << 26
_PAGE = 4096


@dataclass(frozen=True)
class Side:
    """One contender.

    `reads` is the side whose file `inner` it loads, in place of one of its own.
    """

    name: str
    file: str
    save: object
    load: object
    reads: str = ""
    inner: str = ""


def host(variable):
    """The values without a copy."""
    backend, value = keras.backend.backend(), variable.value
    if backend == "tensorflow":
        import tensorflow as tf

        return np.asarray(memoryview(tf.convert_to_tensor(value)))
    return value.detach().numpy() if backend == "torch" else np.asarray(value)


def arrays(model):
    return {f"{index:05}": host(one) for index, one in enumerate(model.variables)}


def touch(values):
    """Read a byte of every page."""
    for one in values:
        one.reshape(-1).view(np.uint8)[::_PAGE].max(initial=0)


def save_raw(model, path):
    with open(path, "wb", buffering=0) as file:
        for one in arrays(model).values():
            data = memoryview(np.ascontiguousarray(one).reshape(-1)).cast("B")
            while data:
                data = data[file.write(data[:_STEP]) :]
        os.fsync(file.fileno())


def load_raw(path, model):
    touch([np.fromfile(path, np.uint8)])


def save_safetensors(model, path):
    from safetensors.numpy import save_file

    save_file(arrays(model), path)


def load_safetensors(path, model):
    from safetensors.numpy import load_file

    touch(load_file(path).values())


def save_orbax(model, path):
    import orbax.checkpoint as ocp

    with ocp.StandardCheckpointer() as saver:
        saver.save(Path(path).absolute(), arrays(model), force=True)


def load_orbax(path, model):
    import orbax.checkpoint as ocp

    with ocp.StandardCheckpointer() as saver:
        touch(saver.restore(Path(path).absolute()).values())


def save_kport(model, path):
    kport.save(model, path)


def load_kport(path, model):
    touch(map(host, kport.load(path).variables))


def save_keras_synced(model, path):
    model.save(path)
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def load_keras(path, model):
    touch(map(host, keras.saving.load_model(path).variables))


SIDES = [
    Side("raw", "raw.bin", save_raw, load_raw),
    Side("kport bundle", "bundle", save_kport, load_kport),
    Side(
        "safetensors load_file",
        "",
        None,
        load_safetensors,
        reads="kport bundle",
        inner="model.safetensors",
    ),
    Side("kport .keras", "kport.keras", save_kport, load_kport),
    Side("Keras .keras", "keras.keras", lambda m, p: m.save(p), load_keras),
    Side("Keras .keras, then fsync", "synced.keras", save_keras_synced, None),
    Side(
        "Keras .weights.h5",
        "keras.weights.h5",
        lambda m, p: m.save_weights(p),
        lambda p, m: m.load_weights(p),
    ),
    Side("safetensors save_file", "numpy.safetensors", save_safetensors, None),
]
if find_spec("orbax") and keras.backend.backend() == "jax":
    SIDES.append(Side("Orbax", "orbax", save_orbax, load_orbax))
