"""Keras models in SavedModels come back whole; make_savedmodels.py (tests/golden) wrote them."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from kport.checkpoint import Holds
from kport.errors import (
    CorruptFileError,
    LoadError,
    MissingComponentError,
    PathNotFoundError,
    UnsafeFileError,
)
from kport_compat.savedmodel import SAVED_MODEL

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "tensorflow"
CASES = [
    *(f"{case}_2.15" for case in ("bins", "blocks", "nested", "order", "unknown_size")),
    *(f"{case}_2.3" for case in ("blocks", "order", "unknown_size")),
]


@pytest.fixture
def tables(tmp_path):
    """Copy the model of tables, to be changed."""
    return Path(shutil.copytree(GOLDEN / "tables_2.15", tmp_path / "tables"))


@pytest.fixture
def components():
    """Return the classes of the script, as code of Keras 3."""
    from keras import Model, layers

    class Order(layers.Layer):
        def build(self, shape):
            self.a = self.add_weight(name="a", shape=(shape[-1],))
            self.b = self.add_weight(name="b", shape=(shape[-1],))
            self.running = self.add_weight(name="running", shape=(shape[-1],), trainable=False)

        def call(self, x):
            return (x - self.running) * self.a + self.b

    class Blocks(Model):
        def __init__(self, units=3, **kwargs):
            super().__init__(**kwargs)
            self.blocks = [layers.Dense(units, activation="tanh") for _ in range(2)]
            self.heads = {"mean": layers.Dense(2), "again": self.blocks[0]}
            self.norm = layers.BatchNormalization()

        def call(self, x):
            for block in self.blocks:
                x = block(x)
            return self.heads["mean"](self.norm(self.heads["again"](x)))

    return {"Order": Order, "Blocks": Blocks}


def built(name, components):
    from kport.model import build

    SAVED_MODEL.components()
    return build(SAVED_MODEL.read(GOLDEN / name), custom_objects=components)


@pytest.mark.backend
@pytest.mark.parametrize("name", CASES)
def test_outputs_are_those_of_tensorflow(name, components):
    import keras

    model = built(name, components)
    with np.load(GOLDEN / f"{name}.npz") as known:
        inputs = [known[key] for key in known.files if key.startswith("in")]
        outputs = [known[key] for key in known.files if key.startswith("out")]
    found = keras.tree.flatten(model(inputs if len(inputs) > 1 else inputs[0], training=False))
    assert len(found) == len(outputs)
    for one, expected in zip(found, outputs, strict=True):
        values = keras.ops.convert_to_numpy(one)
        np.testing.assert_allclose(values, expected, rtol=1e-5, atol=2e-6)


@pytest.mark.backend
@pytest.mark.parametrize(
    ("name", "frozen"),
    [("blocks_2.3", ["norm"]), ("blocks_2.15", ["norm"]), ("nested_2.15", ["frozen"])],
)
def test_what_was_frozen_is_frozen(name, frozen, components):
    from kport.model._walk import walk

    model = built(name, components)
    every = {path: layer for path, layer in walk(model).layers() if "input" not in path}
    flags = {path: layer.trainable for path, layer in every.items()}
    inside = {path for path in flags if path.split(".")[0] in frozen}
    assert {path for path, flag in flags.items() if not flag} == inside


@pytest.mark.backend
def test_names_are_those_of_the_file(components):
    names = [layer.name for layer in built("nested_2.15", components).layers]
    assert {"shared", "frozen", "scope_middle", "dense", "dense_1"} <= set(names)


@pytest.mark.backend
def test_what_two_paths_lead_to_is_one(components):
    model = built("blocks_2.15", components)
    assert model.heads["again"].kernel is model.blocks[0].kernel
    assert len(model.weights) == 10


@pytest.mark.backend
def test_code_that_makes_other_layers_is_refused():
    from keras import Model, layers

    class Blocks(Model):
        def __init__(self, units=3, **kwargs):
            super().__init__(**kwargs)
            self.blocks = [layers.Dense(units, activation="relu") for _ in range(2)]
            self.heads = {"mean": layers.Dense(2), "again": self.blocks[0]}
            self.norm = layers.BatchNormalization(epsilon=0.1)

    with pytest.raises(LoadError) as caught:
        built("blocks_2.15", {"Blocks": Blocks})
    assert str(caught.value).splitlines() == [
        "the code here makes other layers than the code that wrote the file",
        '  - blocks.0.activation: is "tanh" in the file and "relu" in the code here',
        '  - blocks.1.activation: is "tanh" in the file and "relu" in the code here',
        "  - norm.epsilon: is 0.001 in the file and 0.1 in the code here",
        "Change the code to what the file has, or build the model and use "
        "kport.load_weights(model, path), which compares weights alone.",
    ]


def test_ties_name_each_variable():
    ties = SAVED_MODEL.read(GOLDEN / "blocks_2.15").spec.ties
    assert ties == {f"heads.again.{one}": f"blocks.0.{one}" for one in ("bias", "kernel")}


def vocabularies(path):
    layers = SAVED_MODEL.read(path).spec.config["config"]["layers"]
    return {
        one["config"]["name"]: one["config"]["vocabulary"]
        for one in layers
        if "vocabulary" in one["config"]
    }


def test_vocabularies_come_out_of_tables_and_assets():
    assert vocabularies(GOLDEN / "tables_2.15") == {
        "integer_lookup": [40, 30, 20],
        "adapted": [7, 5],
        "from_file": ["east", "west"],
        "texts": ["a", "c", "b"],
        "inverted": ["x", "y"],
    }


def test_vocabularies_of_old_tables_come_out_of_the_checkpoint():
    assert vocabularies(GOLDEN / "old_tables_2.3") == {
        "adapted": [7, 5],
        "given": ["x", "y"],
        "texts": ["a", "b"],
    }


@pytest.mark.parametrize(
    ("name", "found"), [("unknown_size_2.15", [None, 3]), ("unknown_size_2.3", [None, 3])]
)
def test_an_input_takes_the_size_that_its_normalization_adapted_to(name, found):
    (entry, *_) = SAVED_MODEL.read(GOLDEN / name).spec.config["config"]["layers"]
    assert entry["config"]["batch_shape"] == found


def test_an_asset_that_is_a_link_is_refused(tables):
    file = tables / "assets" / "words.txt"
    file.rename(tables / "elsewhere.txt")
    file.symlink_to(tables / "elsewhere.txt")
    with pytest.raises(UnsafeFileError, match=r"asset 'words\.txt' is a link"):
        SAVED_MODEL.read(tables)


def test_assets_in_a_linked_folder_are_refused(tables):
    (tables / "assets").rename(tables / "elsewhere")
    (tables / "assets").symlink_to(tables / "elsewhere")
    with pytest.raises(UnsafeFileError, match=r"asset 'words\.txt' is a link"):
        SAVED_MODEL.read(tables)


def test_an_asset_outside_of_its_folder_is_refused(tables):
    file = tables / "saved_model.pb"
    data = file.read_bytes()
    assert data.count(b"words.txt") >= 1
    file.write_bytes(data.replace(b"words.txt", b"../../etc"))
    with pytest.raises(UnsafeFileError, match=r"asset '\.\./\.\./etc' leaves its folder"):
        SAVED_MODEL.read(tables)


def test_a_missing_asset_is_named(tables):
    (tables / "assets" / "words.txt").unlink()
    with pytest.raises(PathNotFoundError, match=r"no file 'words\.txt' among its assets"):
        SAVED_MODEL.read(tables)


def test_tokens_that_do_not_count_from_their_start_are_damage(tables):
    file = tables / "keras_metadata.pb"
    data = file.read_bytes()
    assert data.count(b'"num_oov_indices": 2') >= 1
    file.write_bytes(data.replace(b'"num_oov_indices": 2', b'"num_oov_indices": 3'))
    text = "table of 'integer_lookup' whose tokens do not count from 3 on"
    with pytest.raises(CorruptFileError, match=text):
        SAVED_MODEL.read(tables)


PLANNED = (
    "what TensorFlow traced for it may be in the file; kport does not run that yet. Until then, "
    "register the class (@kport.register, custom_objects=), or take the weights alone: kport "
    "convert SRC DST --weights-only, kport.load_weights(model, SRC)"
)


@pytest.mark.backend
def test_a_lost_layer_is_named_with_all_the_file_tells():
    from kport.model import build

    with pytest.raises(MissingComponentError) as caught:
        build(SAVED_MODEL.read(GOLDEN / "no_config_2.15"))
    missing, config, variables, planned = map(str, caught.value.problems)
    # Where the script that wrote the file was imported before, it tells so as well.
    assert "(bare): class 'Bare' is not registered" in missing
    assert config.startswith('Bare bare: its config is {"name": "bare"')
    assert variables == (
        "Bare bare: its variables are inner.bias float32[2], inner.kernel float32[3, 2]"
    )
    assert planned == f"Bare bare: {PLANNED}"


@pytest.mark.backend
def test_a_lost_model_is_named_with_its_signatures():
    from kport.model import build

    with pytest.raises(MissingComponentError) as caught:
        build(SAVED_MODEL.read(GOLDEN / "blocks_2.3"))
    text = str(caught.value)
    assert 'Blocks as the model: its config is {"units": 3}' in text
    assert (
        "signature 'serving_default': (input_1: float32[?, 3]) -> (output_1: float32[?, 2])" in text
    )
    assert "blocks.0.kernel float32[3, 3], " in text
    assert " and 2 more" in text


@pytest.mark.backend
def test_a_layer_saved_without_its_config_leaves_the_weights():
    from keras import Input, Sequential, layers

    from kport.model import build, load_into

    class Bare(layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.inner = layers.Dense(units)

        def call(self, x):
            return self.inner(x)

    checkpoint = SAVED_MODEL.read(GOLDEN / "no_config_2.3")
    assert checkpoint.holds is Holds.WEIGHTS
    with pytest.raises(LoadError, match="holds weights only") as caught:
        build(checkpoint, custom_objects={"Bare": Bare})
    text = "Bare bare: its config is not in the file: the class had no get_config"
    assert text in str(caught.value)

    model = Sequential([Input((3,)), Bare(2, name="bare")])
    load_into(model, checkpoint)
    with np.load(GOLDEN / "no_config_2.3.npz") as known:
        found = model.predict(known["in0"], verbose=0)
        np.testing.assert_allclose(found, known["out0"], rtol=1e-5, atol=1e-6)
