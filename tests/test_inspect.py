"""`kport.inspect`: what it says of real and of odd files, and what it never touches."""

import json
from pathlib import Path

import numpy as np
import pytest

import kport
from kport import formats
from kport._layers import LayerLine, custom_names, label, layer_lines
from kport.checkpoint import Asset, Checkpoint, Kind, LazyTensor, ModelSpec, Note, Sample
from kport.errors import PathNotFoundError, UnknownFormatError

DIGITS = Path(__file__).parent.parent / "examples" / "legacy" / "digits.h5"


def keras(cls, module="keras.layers", /, **config):
    return {"module": module, "class_name": cls, "config": config, "registered_name": None}


def custom(cls, /, **config):
    registered = f"acme>{cls}"
    return {"module": None, "class_name": cls, "config": config, "registered_name": registered}


def unread():
    raise AssertionError("inspect read a value")


def tensor(name, shape, dtype="float32", kind=Kind.PARAMETER):
    return LazyTensor(name, shape, dtype, kind, unread)


class Fake:
    """A format that gives a Checkpoint made in the test."""

    name, title, writes = "fake", "Fake files", False

    def __init__(self, checkpoint):
        self.checkpoint = checkpoint

    def recognises(self, path):
        return True

    def read(self, path):
        return self.checkpoint

    def write(self, checkpoint, path, options):
        raise NotImplementedError


@pytest.fixture
def inspected(tmp_path, monkeypatch):
    """Inspect a Checkpoint as if it had been read from a file."""

    def inspect(checkpoint):
        registry = formats.Registry((Fake(checkpoint),))
        monkeypatch.setattr(formats, "detect", registry.detect)
        monkeypatch.setattr(formats, "survey", registry.survey)
        return kport.inspect(tmp_path)

    return inspect


def test_a_file_of_2020_is_summed_up():
    summary = kport.inspect(DIGITS)
    assert (summary.format, summary.title) == ("h5", "Keras H5 (Keras 1/2)")
    assert (summary.model, summary.name) == ("Functional", "digits")
    assert (summary.optimizer, summary.loss) == ("Adam", "sparse_categorical_crossentropy")
    assert summary.custom == ()
    assert LayerLine(0, "stem", "Sequential", "keras") in summary.layers
    assert LayerLine(1, "conv2d", "Conv2D", "keras") in summary.layers
    assert LayerLine(1, "lstm", "LSTM", "keras") in summary.layers
    assert {total.kind for total in summary.totals} == {"parameter", "state", "optimizer"}
    assert sum(total.count for total in summary.totals) == len(summary.tensors)


def test_nothing_is_read_and_totals_are_exact(inspected):
    tensors = [
        tensor("a", (3, 4)),
        tensor("b", (), "bfloat16"),
        tensor("c", (0, 7), "int64", Kind.STATE),
        tensor("d", (1 << 40,), "float64", Kind.OPTIMIZER),
    ]
    checkpoint = Checkpoint(ModelSpec(keras("Model")), {one.name: one for one in tensors})
    summary = inspected(checkpoint)
    assert [(one.kind, one.count, one.elements, one.nbytes) for one in summary.totals] == [
        ("parameter", 2, 13, 50),
        ("state", 1, 0, 0),
        ("optimizer", 1, 1 << 40, 1 << 43),
    ]
    assert summary.tensors[1].shape == ()


def test_everything_beside_the_tensors(inspected):
    config = custom("Net", name="n") | {
        "compile_config": {
            "optimizer": keras("SGD", "keras.optimizers"),
            "loss": {"a": "mse", "b": custom("Far")},
        }
    }
    checkpoint = Checkpoint(
        ModelSpec(config, {"x": {"shape": [None, 2], "dtype": "int32"}}, {"acme>Net": 3}),
        {},
        assets={"lookup/vocabulary.txt": Asset("lookup/vocabulary.txt", 12, unread)},
        provenance={"writer": "kport 0"},
        sample=Sample(np.ones(1)),
        notes=(Note("dropped", "opt", "unknown"),),
    )
    assert inspected(checkpoint).to_json() | {"path": ""} == {
        "path": "",
        "format": "fake",
        "title": "Fake files",
        "provenance": {"writer": "kport 0"},
        "model": "Net",
        "name": "n",
        "optimizer": "SGD",
        "loss": "a: mse, b: Far",
        "signature": {"x": {"shape": [None, 2], "dtype": "int32"}},
        "layers": [],
        "components": {"acme>Net": 3},
        "custom": ["acme>Far", "acme>Net"],
        "tensors": [],
        "totals": [],
        "assets": [{"name": "lookup/vocabulary.txt", "size": 12}],
        "sample": True,
        "notes": [{"outcome": "dropped", "name": "opt", "detail": "unknown"}],
        "holds": "model",
        "signatures": [],
        "operations": {},
        "obstacles": [],
    }


def test_the_json_form_is_plain():
    plain = kport.inspect(DIGITS).to_json()
    assert json.loads(json.dumps(plain)) == plain


def test_layers_come_in_the_order_of_the_config_each_before_its_own():
    inner = keras("Sequential", "keras", name="inner", layers=[keras("ReLU", name="r")])
    wrapper = keras("TimeDistributed", name="t", layer=keras("Dense", name="d"))
    config = keras("Functional", "keras", layers=[keras("Dense", name="a"), inner, wrapper])
    assert [(line.depth, line.name) for line in layer_lines(config)] == [
        (0, "a"),
        (0, "inner"),
        (1, "r"),
        (0, "t"),
        (1, "d"),
    ]


def test_layers_that_are_arguments_of_a_component_are_layers():
    config = custom(
        "Net",
        encoder=custom("Block", name="e", dtype=keras("DTypePolicy", "keras", name="float32")),
        heads={
            "x": keras("Dense", name="x", kernel_initializer=keras("Ones", "keras.initializers"))
        },
        start=custom("MyInit", scale=2.0),
    )
    assert list(layer_lines(config)) == [
        LayerLine(0, "e", "Block", "acme"),
        LayerLine(0, "x", "Dense", "keras"),
    ]


def test_the_package_of_an_unregistered_class_is_its_module():
    node = {"module": "my.code", "class_name": "L", "config": {}, "registered_name": "L"}
    config = keras("Sequential", "keras", layers=[node])
    assert list(layer_lines(config)) == [LayerLine(0, "", "L", "my.code")]


def test_custom_names_are_those_that_keras_does_not_have():
    function = {"module": "builtins", "class_name": "function", "registered_name": "function"}
    config = keras(
        "Sequential",
        "keras",
        layers=[
            custom("Block"),
            keras("Dense", activation={**function, "config": "acme>swish2"}),
            keras("Dense", activation={**function, "config": "relu"}),
            keras("Dense", activation={**function, "module": "my.code", "config": "f"}),
            {"module": "keras_extra.layers", "class_name": "X", "config": {}},
            {"class_name": "__numpy__", "config": {"value": [1]}},
        ],
    )
    assert custom_names(config) == ("X", "acme>Block", "acme>swish2", "f")


@pytest.mark.parametrize("config", [None, [], 3, {}, {"config": 7}, {"class_name": 1, "config": 2}])
def test_a_config_that_is_none_has_no_layers(config):
    assert list(layer_lines(config)) == []
    assert custom_names(config) == ()


def test_a_deep_config_is_no_danger():
    node = keras("Dense", name="bottom")
    loss = "mse"
    for _ in range(5_000):
        node = keras("Wrapper", layer=node)
        loss = [loss]
    assert max(line.depth for line in layer_lines(node)) == 4_999
    assert label(loss) == "..."


def test_nothing_at_the_path(tmp_path):
    with pytest.raises(PathNotFoundError, match="no such file or directory"):
        kport.inspect(tmp_path / "model.keras")


def test_no_known_format(tmp_path):
    with pytest.raises(UnknownFormatError, match="an empty directory"):
        kport.inspect(tmp_path)
