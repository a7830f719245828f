"""Checkpoints of TensorFlow 1.15 to 2.21 (tests/golden/scripts), read without it."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from kport import formats
from kport.checkpoint import Holds, Kind, Naming
from kport.errors import CorruptFileError, PathNotFoundError, SaveError, UnreadableError
from kport.formats import Format, WriteOptions
from kport_compat.tensorbundle import Bundle, Tracked
from kport_compat.tfcheckpoint import TF_CHECKPOINT
from kport_compat.tfcheckpoint._objects import named_objects
from kport_compat.tfcheckpoint._writer import written_by

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "tensorflow"
NETWORK = GOLDEN / "functional_2.3"
OBJECTS = GOLDEN / "objects_2.15"
OPEN = "2, or one that cannot be told from it"


@pytest.fixture
def golden(tmp_path):
    """Copy a golden folder, to be changed."""
    return lambda name: Path(shutil.copytree(GOLDEN / name, tmp_path / name))


def refused(path, error):
    with pytest.raises(error) as caught:
        formats.read(path)
    assert type(caught.value) is error
    return str(caught.value)


def test_it_is_a_format():
    assert isinstance(TF_CHECKPOINT, Format)


@pytest.mark.parametrize(
    "path",
    [
        NETWORK,
        NETWORK / "weights",
        NETWORK / "weights.index",
        NETWORK / "weights.data-00000-of-00001",
        NETWORK / "checkpoint",
        GOLDEN / "keras_2.3" / "variables",
        GOLDEN / "keras_2.3" / "variables" / "variables",
        GOLDEN / "saver_1.15" / "model.ckpt-1",
    ],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_every_name_by_which_people_know_it_leads_to_it(path):
    assert formats.detect(path) is TF_CHECKPOINT
    assert formats.read(path).holds is Holds.WEIGHTS


@pytest.mark.parametrize("path", [NETWORK / "weight", NETWORK / "weights.inde", GOLDEN / "nothing"])
def test_no_other_name_does(path):
    assert "no such file or directory" in refused(path, PathNotFoundError)


def test_a_directory_holds_its_latest(golden):
    assert _step(OBJECTS) == _step(OBJECTS / "ckpt-2") == 2
    assert _step(OBJECTS / "ckpt-1") == 1
    folder = golden("objects_2.15")
    (folder / "checkpoint").unlink()
    text = refused(folder, UnreadableError)
    assert "holds 2 checkpoints" in text
    assert "ckpt-1.index: is one of them" in text
    assert "Give the path of the one .index file that is meant." in text


def _step(path):
    return int(formats.read(path).tensors["save_counter"].read())


def test_the_latest_may_be_missing(golden):
    folder = golden("functional_2.3")
    (folder / "weights.index").unlink()
    text = refused(folder, PathNotFoundError)
    assert "holds no checkpoint" in text
    assert "weights.index: is missing, and 'checkpoint' names it" in text


def test_values_without_an_index_are_named(golden):
    folder = golden("functional_2.3")
    (folder / "weights.data-00000-of-00001").unlink()
    text = refused(folder / "weights", PathNotFoundError)
    assert "weights.data-00000-of-00001: is missing" in text


def test_names_are_paths_of_objects():
    checkpoint = formats.read(OBJECTS)
    assert checkpoint.naming is Naming.OBJECTS
    found = {name: (one.kind, one.keras_path) for name, one in checkpoint.tensors.items()}
    assert found["net.blocks.1.kernel"] == (Kind.PARAMETER, "blocks/dense_1/kernel")
    assert found["net.heads.b.bias"] == (Kind.PARAMETER, "blocks/dense_3/bias")
    assert found["optimizer._iterations"] == (Kind.OPTIMIZER, "iteration")
    assert found["step"] == (Kind.PARAMETER, "Variable")
    assert checkpoint.spec.ties["net.again"] == "net.norm"


def test_a_network_goes_by_numbers_and_slots_belong_to_the_optimizer():
    checkpoint = formats.read(NETWORK)
    inner = "layer_with_weights-1.layer_with_weights-1.moving_mean"
    assert checkpoint.tensors[inner].kind is Kind.STATE
    assert checkpoint.spec.ties["layer-3"] == "layer_with_weights-1"
    slot = checkpoint.tensors["optimizer.m.layer_with_weights-0.forward_layer.cell.kernel"]
    assert (slot.kind, slot.shape) == (Kind.OPTIMIZER, (3, 8))


def test_a_checkpoint_of_names_has_names():
    checkpoint = formats.read(GOLDEN / "saver_1.15")
    weights = checkpoint.of_kind(Kind.PARAMETER, Kind.STATE)
    shapes = {name: one.shape for name, one in weights.items()}
    assert shapes == {
        "first.bias": (4,),
        "first.kernel": (3, 4),
        "last.bias": (2,),
        "last.kernel": (4, 2),
    }
    rest = checkpoint.of_kind(Kind.OPTIMIZER)
    assert {"beta1_power", "first.bias.Adam", "first.bias.Adam_1", "global_step"} <= rest.keys()


def test_slices_over_several_shards_are_joined():
    tensors = formats.read(GOLDEN / "sharded_2.21" / "ckpt").tensors
    expected = np.arange(48, dtype="f4").reshape(12, 4)
    np.testing.assert_array_equal(tensors["large"].read(), expected)
    np.testing.assert_array_equal(tensors["small"].read(), expected[0])
    assert len(set((GOLDEN / "sharded_2.21").glob("ckpt.data-*-of-00003"))) == 3


def test_a_packed_index_says_what_the_plain_one_says(tmp_path):
    shutil.copy(NETWORK / "weights.data-00000-of-00001", tmp_path)
    packed = Path(shutil.copy(GOLDEN / "snappy" / "weights.index", tmp_path))
    assert packed.stat().st_size < (NETWORK / "weights.index").stat().st_size / 2
    assert Bundle(packed).entries == Bundle(NETWORK / "weights.index").entries


def test_a_checkpoint_of_the_first_version(tmp_path):
    checkpoint = formats.read(GOLDEN / "v1" / "model.ckpt")
    np.testing.assert_array_equal(checkpoint.tensors["weights"].read(), np.arange(4, dtype="f4"))
    assert checkpoint.holds is Holds.WEIGHTS
    shutil.copy(GOLDEN / "v1" / "model.ckpt", tmp_path / "model-3")
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/there/model-3"\n')
    assert formats.read(tmp_path).tensors.keys() == checkpoint.tensors.keys()


def test_shards_of_the_first_version():
    checkpoint = formats.read(GOLDEN / "v1_sharded" / "model.ckpt")
    with np.load(GOLDEN / "v1_sharded.npz") as true:
        assert set(checkpoint.tensors) == set(true.files)
        for name in true.files:
            np.testing.assert_array_equal(checkpoint.tensors[name].read(), true[name])


def test_a_missing_shard_of_the_first_version_is_named(tmp_path):
    for one in sorted((GOLDEN / "v1_sharded").glob("model.ckpt-*"))[:1]:
        shutil.copy(one, tmp_path)
    text = refused(tmp_path / "model.ckpt", PathNotFoundError)
    assert "model.ckpt-00001-of-00002: is missing" in text


@pytest.mark.parametrize("name", ["weights.index", "weights.data-00000-of-00001"])
def test_a_pointer_of_git_lfs_is_named(golden, name):
    folder = golden("functional_2.3")
    (folder / name).write_bytes(b"version https://git-lfs.github.com/spec/v1\nsize 1\n")
    text = refused(folder / "weights", UnreadableError)
    assert f"{name}: is a Git LFS pointer, not the file itself" in text
    assert "git lfs pull" in text


def test_strings_and_tables_are_left_out_and_said():
    checkpoint = formats.read(GOLDEN / "dtypes" / "ckpt")
    assert [(one.name, one.outcome) for one in checkpoint.notes] == [("string", "dropped")]
    assert "holds no numbers" in checkpoint.notes[0].detail


def test_nothing_is_written(tmp_path):
    with pytest.raises(SaveError, match="reads this format and does not write it"):
        TF_CHECKPOINT.write(formats.read(NETWORK), tmp_path / "x", WriteOptions())


def test_a_graph_may_have_cycles():
    objects = (
        Tracked({"self": 0, "a": 1}, {}),
        Tracked({"up": 0, "w": 2, "b": 1}, {}),
        Tracked({"back": 1}, {"VARIABLE_VALUE": "k"}, "w"),
    )
    found = named_objects(objects)
    assert [one.name for one in found.values] == ["a.w"]
    assert found.ties == {"a.b": "a", "a.w.back": "a"}


def test_a_graph_beyond_reason_is_refused():
    chain = tuple(Tracked({"deeper": number + 1}, {}) for number in range(300))
    with pytest.raises(CorruptFileError, match="nested beyond reason"):
        named_objects((*chain, Tracked({}, {"VARIABLE_VALUE": "k"})))


def objects(*children):
    return [Tracked(dict.fromkeys(children, 0), {})]


@pytest.mark.parametrize(
    ("children", "writer"),
    [
        (["layer-0", "_kernel"], "2"),  # a user's _kernel
        (["_operations", "kernel"], "3"),  # a user's kernel, or that of a cell
        (["_kernel", "bias"], "3"),
        (["_embeddings", "cell"], "3"),
        (["_kernel", "kernel"], OPEN),
        (["gamma", "beta"], OPEN),
    ],
)
def test_names_of_objects_tell_which_keras_wrote_them(children, writer):
    assert written_by(objects(*children)) == writer


@pytest.mark.parametrize(
    ("name", "writer"), [("functional_2.3/weights", "2"), ("saver_1.15/model.ckpt-1", OPEN)]
)
def test_what_may_be_of_keras_2_counts_as_that(name, writer):
    assert formats.read(GOLDEN / name).provenance["keras"] == writer


@pytest.mark.backend
def test_objects_of_this_keras_have_the_names_that_tell_it():
    import keras

    layers = [keras.Input((3,)), keras.layers.Embedding(4, 2), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    functional = keras.Model(model.inputs, model.outputs)
    assert hasattr(model.layers[0], "_embeddings")
    assert hasattr(model.layers[1], "_kernel")
    assert all(hasattr(one, "_inbound_nodes") for one in model.layers)
    assert hasattr(functional, "_operations")
