"""Who is measured: for each, how it saves and how it loads.

`save(model, path)` ends when the call that a user would make ends; that Keras and safetensors do
not bring their bytes to the disk is a part of their speed, and the table says so. `load` reads
every byte into memory: what it returns is touched page by page.
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
    """One contender; `live` is whether it gives back a model."""

    name: str
    file: str
    save: object
    load: object
    live: bool = True


def host(variable):
    """The values without a copy where the backend lets it."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return np.asarray(memoryview(tf.convert_to_tensor(variable.value)))
    return keras.ops.convert_to_numpy(variable)


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


def save_weights(model, path):
    model.save_weights(path)


def load_weights(path, model):
    model.load_weights(path)


def save_orbax(model, path):
    import orbax.checkpoint as ocp

    with ocp.StandardCheckpointer() as saver:
        saver.save(Path(path).absolute(), arrays(model), force=True)


def load_orbax(path, model):
    import orbax.checkpoint as ocp

    with ocp.StandardCheckpointer() as saver:
        touch(saver.restore(Path(path).absolute()).values())


def load_model(load):
    return lambda path, model: touch(map(host, load(path).variables))


ORBAX = [Side("Orbax", "orbax", save_orbax, load_orbax, False)] if find_spec("orbax") else []
SIDES = [
    Side("raw", "raw.bin", save_raw, load_raw, False),
    Side("kport bundle", "bundle", lambda m, p: kport.save(m, p), load_model(kport.load)),
    Side("kport .keras", "kport.keras", lambda m, p: kport.save(m, p), load_model(kport.load)),
    Side("safetensors NumPy", "numpy.safetensors", save_safetensors, load_safetensors, False),
    Side(
        "Keras .keras",
        "keras.keras",
        lambda m, p: m.save(p),
        load_model(keras.saving.load_model),
    ),
    Side("Keras .weights.h5", "keras.weights.h5", save_weights, load_weights, False),
    *ORBAX,
]
