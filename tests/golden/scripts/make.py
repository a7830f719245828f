"""Write the golden files of the Keras of this process.

python make.py FOLDER [CASE ...] with the packages of one file of requirements/. Each case becomes
FOLDER/CASE.zip: case.json (versions, files, what could not be written and why), io.npz (inputs,
true outputs, and of a trained one the targets and the outputs after one further step) and the model
in every format that this Keras has. GOLDEN_KERAS=keras takes the package keras, else tf.keras.
"""

import json
import os
import shutil
import sys
import tempfile
import zipfile

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE = os.path.dirname(os.path.abspath(__file__))
if os.environ.get("GOLDEN_KERAS") == "keras":
    import keras

    tf = None
else:
    import tensorflow as tf

    keras = tf.keras

FULL_VERSION = getattr(keras, "__version__", None) or __import__("keras").__version__
VERSION = tuple(int(part) for part in FULL_VERSION.split("-")[0].split(".")[:2])
MODERN = tf is not None and VERSION >= (2, 3)  # eager


class Names:
    """The names of this Keras, looked up where it keeps them."""

    def __init__(self):
        self.tf, self.layers, self.backend = tf, keras.layers, keras.backend
        self.preprocessing = None
        if tf is not None and hasattr(self.layers, "Rescaling"):
            self.preprocessing = self.layers
        elif MODERN:
            self.preprocessing = self.layers.experimental.preprocessing
        self.l2 = keras.regularizers.l2
        self.maxnorm = self.max_norm = getattr(keras.constraints, "max_norm", None)
        self.maxnorm = self.max_norm or keras.constraints.maxnorm

    def __getattr__(self, name):
        for place in (keras, keras.layers, keras.models):
            if hasattr(place, name):
                return getattr(place, name)
        raise AttributeError(name)


def perturb(model, random):
    """Give every weight a value of its own, so that nothing hides behind zeros and ones."""
    if not hasattr(model, "layers"):
        values = [one_of(*pair, random=random) for pair in zip(model.weights, model.get_weights())]
        model.set_weights(values)
        return
    for layer in model.layers:
        perturb(layer, random)
        if type(layer).__name__ == "Normalization" and hasattr(layer, "finalize_state"):
            layer.finalize_state()  # it computes with constants made of its weights


def one_of(weight, value, random):
    value = np.asarray(value)
    if value.dtype.kind != "f":
        return value
    positive = any(word in weight.name for word in ("variance", "std"))
    low, high = (0.5, 1.5) if positive else (-0.7, 0.7)
    return random.uniform(low, high, size=value.shape).astype(value.dtype)


def compiled(model, optimizer):
    names = {"learning_rate": 0.01} if VERSION >= (2, 3) and MODERN else {"lr": 0.01}
    if optimizer == "adam":
        one = keras.optimizers.Adam(**names)
    elif MODERN and VERSION >= (2, 11):
        rate = keras.optimizers.schedules.ExponentialDecay(0.05, 2, 0.9)
        one = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
    else:
        one = keras.optimizers.SGD(lr=0.05, momentum=0.9, nesterov=True, decay=0.1)
    model.compile(optimizer=one, loss="mse", metrics=["mae"])


def predicted(model, inputs):
    found = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    return found if isinstance(found, list) else [found]


def writers(model, name, module):
    """Return format -> function that writes it into a folder."""

    def definition(folder):
        with open(os.path.join(folder, "model.json"), "w") as file:
            file.write(model.to_json())

    def path(tail):
        return lambda folder: os.path.join(folder, tail)

    h5 = {"save_format": "h5"} if tf is not None and VERSION < (2, 13) else {}
    found = {
        "h5": lambda folder: model.save(path("model.h5")(folder), **h5),
        "weights": lambda folder: model.save_weights(path("weights.h5")(folder)),
        "json": definition,
    }
    if name == "subclassed":
        del found["json"]  # says nothing
    if tf is None or (name == "subclassed" and not MODERN):
        return found
    if name not in module.TRAINED:
        found["ckpt"] = lambda folder: model.save_weights(
            path("ckpt/ckpt")(folder), save_format="tf"
        )
    if MODERN and name in module.SAVED_MODELS:
        traces = {} if VERSION < (2, 5) else {"save_traces": name in ("operations", "subclassed")}
        found["savedmodel"] = lambda folder: model.save(
            path("savedmodel")(folder), save_format="tf", **traces
        )
    if VERSION >= (2, 12):
        v3 = {"save_format": "keras_v3"} if VERSION < (2, 13) else {}
        found["keras"] = lambda folder: model.save(path("model.keras")(folder), **v3)
        found["weights_v3"] = lambda folder: model.save_weights(path("v3.weights.h5")(folder))
    return found


def make(case, module, target):
    name = case.__name__
    getattr(keras.backend, "clear_session", lambda: None)()  # Theano has none
    model = case(Names())
    if model is None:
        return
    random = np.random.RandomState(7)
    inputs = module.arrays(name, random)
    if tf is not None and len(inputs) > len(getattr(model, "inputs", None) or inputs):
        inputs = inputs[: len(model.inputs)]
    if name not in module.TRAINED:
        predicted(model, inputs)
        perturb(model, random)
        model.predict_function = None  # traced with the constants of before
        data = {}
    else:
        compiled(model, module.TRAINED[name])
        data = {"target": module.targets(name, random)}
        for _ in range(3):
            model.train_on_batch(inputs[0], data["target"])
    data.update(("in%d" % i, value) for i, value in enumerate(inputs))
    data.update(("out%d" % i, value) for i, value in enumerate(predicted(model, inputs)))
    with tempfile.TemporaryDirectory() as folder:
        unwritten = write(model, name, module, folder)
        if name in module.TRAINED:
            model.train_on_batch(inputs[0], data["target"])
            data["resumed"] = predicted(model, inputs)[0]
        np.savez(os.path.join(folder, "io.npz"), **data)
        facts = {
            "keras": FULL_VERSION,
            "tensorflow": tf.__version__ if tf is not None else None,
            "backend": keras.backend.backend(),
            "about": case.__doc__,
            "files": sorted(one for one in os.listdir(folder) if one != "io.npz"),
            "unwritten": unwritten,
        }
        with open(os.path.join(folder, "case.json"), "w") as file:
            json.dump(facts, file, indent=1, sort_keys=True)
        pack(folder, os.path.join(target, name + ".zip"))
    print(name, facts["files"], unwritten)


def write(model, name, module, folder):
    unwritten = {}
    for form, writer in writers(model, name, module).items():
        try:
            writer(folder)
        except Exception as error:
            remove(folder, form)
            unwritten[form] = ("%s: %s" % (type(error).__name__, error)).split("\n")[0][:200]
    return unwritten


def remove(folder, form):
    for one in os.listdir(folder):
        if one == "model." + form:
            os.remove(os.path.join(folder, one))
        elif one == form:
            shutil.rmtree(os.path.join(folder, one))


def pack(folder, target):
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for parent, _, names in sorted(os.walk(folder)):
            for one in sorted(names):
                path = os.path.join(parent, one)
                info = zipfile.ZipInfo(os.path.relpath(path, folder).replace(os.sep, "/"))
                info.compress_type = zipfile.ZIP_DEFLATED
                with open(path, "rb") as file:
                    archive.writestr(info, file.read())


def main():
    sys.path.insert(0, HERE)
    module = __import__("keras1" if VERSION[0] == 1 else "models")
    module.K = keras.backend
    target, wanted = sys.argv[1], sys.argv[2:]
    if not os.path.isdir(target):
        os.makedirs(target)
    for case in module.CASES:
        if not wanted or case.__name__ in wanted:
            make(case, module, target)


main()
