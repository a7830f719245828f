"""Save and load a model on meshes of eight devices, and print the memory that took.

python mesh_memory.py FOLDER; run by test_mesh_memory.py. Prints JSON: the bytes of the model, and
what each act took.
"""

import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))

import keras
from memory import peak_of

import kport

SIDE = 3840
COLUMNS, ROWS = (None, "model"), ("model", None)


def lay(kernels, count):
    """Put later models on so many devices: their kernels cut that way, or whole on each."""
    devices = keras.distribution.list_devices()[:count]
    mesh = keras.distribution.DeviceMesh((1, count), ["batch", "model"], devices)
    rules = keras.distribution.LayoutMap(mesh)
    if kernels:
        rules[".*kernel"] = kernels
    keras.distribution.set_distribution(
        keras.distribution.ModelParallel(layout_map=rules, auto_shard_dataset=False)
    )


def make():
    layers = [keras.layers.Dense(SIDE) for _ in range(2)]
    return keras.Sequential([keras.Input((SIDE,)), *layers])


def main(folder):
    models, found = [], {"save": {}, "load": {}}

    def load():
        models.append(kport.load(folder / "columns"))

    def save(name):
        found["save"][name] = peak_of(lambda: kport.save(models[0], folder / name))

    lay(COLUMNS, 8)
    kport.save(keras.Sequential([keras.Input((8,)), keras.layers.Dense(8)]), folder / "small")
    kport.load(folder / "small")  # all code is there now
    models.append(make())
    found["model"] = sum(one.value.nbytes for one in models[0].variables)
    save("columns")
    for name, kernels, count in (("four", COLUMNS, 4), ("rows", ROWS, 8), ("all", None, 8)):
        lay(kernels, count)
        models.clear()
        found["load"][name] = peak_of(load)
        save(name)
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
