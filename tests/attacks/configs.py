"""Attacks by what a config names: every gadget in every kind of file that carries such a config."""

from __future__ import annotations

import base64
import json
import marshal
import zipfile
from pathlib import Path
from typing import Any

from . import hdf5, savedmodels
from .table import DENSE, attack, layer, make_archive, make_bundle, sequential

JSON = dict[str, Any]

CANARY = "import os\nos.system('echo run > canary')"
CODE = base64.b64encode(marshal.dumps(compile(CANARY, "evil", "exec"))).decode()
LAMBDA = {"class_name": "__lambda__", "config": {"value": [CODE, None, None]}}
LAMBDA_LAYER = layer("Lambda", {"name": "evil", "function": LAMBDA})
SECRET = "/etc/hostname"  # noqa: S105  # any file that is not the model's


def function(module: str, name: str) -> JSON:
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def dense(**fields: Any) -> JSON:
    return layer("Dense", {"name": "evil", "units": 2, **fields})


def compiled(**fields: Any) -> JSON:
    return sequential(DENSE, compile_config={"optimizer": "adam", "loss": "mse", **fields})


def wrapped(inner: JSON) -> JSON:
    """Return a model within a wrapper within a model, each of which turns safe mode off."""
    deep: JSON = {"name": "inner", "layers": [inner], "safe_mode": False}
    model = {"module": "keras", "class_name": "Sequential", "config": deep, "safe_mode": False}
    outer = layer("TimeDistributed", {"name": "outer", "layer": model, "safe_mode": False})
    return sequential(outer, safe_mode=False)


NEVER = "nothing a model may be made of"
BYTECODE = "carries Python bytecode"
KERAS_3: dict[str, tuple[JSON, str]] = {
    "a marshalled lambda": (sequential(LAMBDA_LAYER), BYTECODE),
    "a lambda with safe mode off inside": (wrapped(LAMBDA_LAYER), BYTECODE),
    "a lambda as an activation": (sequential(dense(activation=LAMBDA)), BYTECODE),
    "a lambda within a slice": (
        sequential(
            dense(
                kernel_regularizer={
                    "class_name": "__slice__",
                    "config": {"start": LAMBDA, "stop": None, "step": None},
                }
            )
        ),
        BYTECODE,
    ),
    "a lambda as a loss": (compiled(loss=LAMBDA), BYTECODE),
    "a lambda as the shape of a lambda": (
        sequential(
            layer(
                "Lambda",
                {
                    "name": "evil",
                    "function": function("keras.activations", "relu"),
                    "output_shape": LAMBDA,
                },
            )
        ),
        BYTECODE,
    ),
    "a type of TensorFlow": (
        sequential(
            dense(activation={"class_name": "__typespec__", "config": [], "module": "os"}),
        ),
        "names a TensorFlow type",
    ),
    "os.system as an activation": (
        sequential(dense(activation=function("os", "system"))),
        f"os.system is {NEVER}",
    ),
    "exec as a loss": (compiled(loss=function("builtins", "exec")), f"builtins.exec is {NEVER}"),
    "subprocess.Popen as a layer": (
        sequential(layer("Popen", {"args": "true"}, "subprocess")),
        f"subprocess.Popen is {NEVER}",
    ),
    "a download as an initializer": (
        sequential(dense(kernel_initializer=function("keras.utils", "get_file"))),
        f"keras.utils.get_file is {NEVER}",
    ),
    "safe mode turned off by a function": (
        sequential(dense(activation=function("keras.config", "enable_unsafe_deserialization"))),
        f"keras.config.enable_unsafe_deserialization is {NEVER}",
    ),
    "Keras's own loader of bytecode": (
        sequential(dense(activation=function("keras.src.utils.python_utils", "func_load"))),
        f"keras.src.utils.python_utils.func_load is {NEVER}",
    ),
    "another model's path": (
        sequential(layer("TFSMLayer", {"name": "evil", "filepath": SECRET})),
        f"keras.layers.TFSMLayer is {NEVER}",
    ),
    "a pickled torch module": (
        sequential(layer("TorchModuleWrapper", {"name": "evil", "module": CODE})),
        f"keras.layers.TorchModuleWrapper is {NEVER}",
    ),
    "a jax function": (
        sequential(layer("JaxLayer", {"name": "evil", "call_fn": LAMBDA})),
        f"keras.layers.JaxLayer is {NEVER}",
    ),
    "load_model as a layer": (
        sequential(layer("load_model", {"filepath": SECRET}, "keras.models")),
        f"keras.models.load_model is {NEVER}",
    ),
    "a vocabulary of another file": (
        sequential(layer("StringLookup", {"name": "evil", "vocabulary": SECRET})),
        f"StringLookup would read the file '{SECRET}'",
    ),
    "a vocabulary of a URL": (
        sequential(
            layer("TextVectorization", {"name": "evil", "vocabulary": "http://127.0.0.1:9/x"})
        ),
        "TextVectorization would read the file 'http://127.0.0.1:9/x'",
    ),
    "a layer where a policy belongs": (
        sequential(dense(dtype=DENSE)),
        "Dense is a layer, expected dtype policy",
    ),
    "a class in the slot of a function": (
        sequential(dense(activation=layer("SGD", {"name": "evil"}, "keras.optimizers"))),
        "SGD is a optimizer, expected function or layer",
    ),
    "a metric of a private module": (
        compiled(metrics=[function("keras.src.saving.saving_lib", "load_model")]),
        f"keras.src.saving.saving_lib.load_model is {NEVER}",
    ),
    "an array with elements of gigabytes": (
        sequential(
            dense(
                bias_initializer={
                    "class_name": "__numpy__",
                    "config": {"value": [""], "dtype": "S4000000000"},
                }
            )
        ),
        "declares elements of 'S4000000000'",
    ),
    "a config nested too deep": (
        sequential(dense(arguments=json.loads("[" * 300 + "]" * 300))),
        "is nested deeper than 200",
    ),
}
for name, (config, words) in KERAS_3.items():

    def in_bundle(folder: Path, secret: Path, config: JSON = config) -> Path:
        return make_bundle(folder, config)

    def in_archive(folder: Path, secret: Path, config: JSON = config) -> Path:
        return make_archive(folder, config)

    def in_json(folder: Path, secret: Path, config: JSON = config) -> Path:
        path = folder / "model.json"
        path.write_text(json.dumps(config))
        return path

    def in_part(folder: Path, secret: Path, config: JSON = config) -> Path:
        parts = {"dense": {"config": config, "signature": None}}
        return make_bundle(folder, edit=lambda one: one["spec"].update(parts=parts))

    for builder, place in (
        (in_bundle, "a bundle"),
        (in_archive, "an archive"),
        (in_json, "JSON"),
        (in_part, "a part"),
    ):
        builder.__name__ = f"{name} in {place}"
        at = {"a bundle": "build", "a part": "part"}.get(place, "load")
        attack(words, at=at)(builder)


BILLION = 1_000_000_000
TOO_MANY = "asks for 'dense/kernel' of the shape (3, 1000000000), and for 3,000,000,000 values"


@attack(TOO_MANY, at="build")
def a_billion_units_in_a_bundle(folder: Path, secret: Path) -> Path:
    return make_bundle(folder, sequential(layer("Dense", {"name": "dense", "units": BILLION})))


@attack(TOO_MANY, at="load")
def a_billion_units_in_an_archive(folder: Path, secret: Path) -> Path:
    return make_archive(folder, sequential(layer("Dense", {"name": "dense", "units": BILLION})))


@attack("and for 67,", at="build")
def a_million_layers_worth_in_a_bundle(folder: Path, secret: Path) -> Path:
    """No variable is large, and together they are."""
    many = [layer("Dense", {"name": f"dense_{index}", "units": 1500}) for index in range(40)]
    for one in many[1:]:
        one["build_config"] = {"input_shape": [None, 1500]}
    return make_bundle(folder, sequential(*many))


def keras_2(*layers: JSON) -> JSON:
    first = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 3], "name": "in"}}
    return {"class_name": "Sequential", "config": {"name": "net", "layers": [first, *layers]}}


@attack("dense/kernel' of the shape (3, 1000000000)", at="load")
def a_billion_units_in_an_old_file(folder: Path, secret: Path) -> Path:
    dense = {"class_name": "Dense", "config": {"name": "dense", "units": BILLION}}
    return hdf5.legacy(folder, config=keras_2(dense))


def graph(**config: Any) -> JSON:
    return {"class_name": config.pop("class_name"), "config": {"name": "evil", **config}}


KERAS_2: dict[str, tuple[JSON, str, str]] = {
    "a marshalled lambda": (
        graph(class_name="Lambda", function=[CODE, None, None], function_type="lambda"),
        BYTECODE,
        "UnsafeFileError",
    ),
    "a function of os": (
        graph(class_name="Lambda", function="system", function_type="function", module="os"),
        "function 'system' is not registered",
        "MissingComponentError",
    ),
    "an operation of no module": (
        graph(class_name="TFOpLambda", function="os.system"),
        "evil: ",
        "InvalidSpecError",
    ),
    "a Python function as an operation": (
        graph(
            class_name="TensorFlowOpLayer",
            node_def='{"name": "x", "op": "PyFunc", "attr": {"token": {"s": "ZXZpbA=="}}}',
            constants={},
        ),
        "evil: ",
        "InvalidSpecError",
    ),
    "an operation that reads a file": (
        graph(
            class_name="TensorFlowOpLayer",
            node_def='{"name": "x", "op": "ReadFile", "input": ["in"]}',
            constants={},
        ),
        "evil: ",
        "InvalidSpecError",
    ),
    "a vocabulary of another file": (
        graph(class_name="StringLookup", vocabulary=SECRET),
        f"StringLookup would read the file '{SECRET}'",
        "UnsafeFileError",
    ),
    "a pickled torch module": (
        graph(class_name="TorchModuleWrapper", module=CODE),
        "class 'TorchModuleWrapper' is not registered",
        "MissingComponentError",
    ),
    "a lambda within a wrapper": (
        graph(
            class_name="TimeDistributed",
            layer=graph(class_name="Lambda", function=[CODE, None, None], function_type="lambda"),
        ),
        BYTECODE,
        "UnsafeFileError",
    ),
}
for name, (one, words, error) in KERAS_2.items():

    def in_h5(folder: Path, secret: Path, one: JSON = one) -> Path:
        return hdf5.legacy(folder, config=json.dumps(keras_2(one)))

    def in_old_json(folder: Path, secret: Path, one: JSON = one) -> Path:
        path = folder / "model.json"
        path.write_text(json.dumps({**keras_2(one), "keras_version": "2.4.0"}))
        return path

    def in_old_archive(folder: Path, secret: Path, one: JSON = one) -> Path:
        def add(archive: zipfile.ZipFile) -> None:
            archive.writestr("metadata.json", '{"keras_version": "2.13.1"}')

        return make_archive(folder, keras_2(one), more=add, without=("metadata.json",))

    def in_saved_model(folder: Path, secret: Path, one: JSON = one) -> Path:
        return savedmodels.with_layer(folder, one)

    for builder, place in (
        (in_h5, "an H5 file"),
        (in_old_json, "old JSON"),
        (in_old_archive, "an archive of Keras 2"),
        (in_saved_model, "a SavedModel"),
    ):
        builder.__name__ = f"{name} in {place}"
        attack(words, error, at="load")(builder)


@attack("is not registered", "MissingComponentError", at="build")
def a_module_of_the_file_s_own_folder(folder: Path, secret: Path) -> Path:
    """No attack by itself: a class that nobody registered. Its module is not imported."""
    (folder / "evil_canary.py").write_text(CANARY)
    return make_bundle(folder, sequential(layer("Evil", {"name": "evil"}, "evil_canary")))


@attack("cannot be constructed", "LoadError", at="load")
def a_negative_number_of_units(folder: Path, secret: Path) -> Path:
    return make_archive(folder, sequential(dense(units=-5)))


@attack("cannot be constructed", "LoadError", at="load")
def an_input_shape_that_is_not_a_number(folder: Path, secret: Path) -> Path:
    config = sequential(dense())
    text = json.dumps(config).replace("[null, 3]", "[null, NaN]")
    return make_archive(folder, text)


@attack("cannot be constructed", "LoadError", at="load")
def a_tensor_of_negative_shape_in_the_config(folder: Path, secret: Path) -> Path:
    tensor = {
        "class_name": "__keras_tensor__",
        "config": {"shape": [-5, float("nan")], "dtype": "float32", "keras_history": ["in", 0, 0]},
    }
    return make_archive(folder, sequential(dense(name=tensor)))


@attack("cannot be constructed", "LoadError", at="load")
def a_class_name_that_is_a_list(folder: Path, secret: Path) -> Path:
    return make_archive(
        folder, sequential({"module": "keras.layers", "class_name": ["Dense"], "config": {}})
    )
