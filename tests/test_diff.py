"""`kport.diff`: it finds every difference, and none between files of one model."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import kport
from kport import formats
from kport.checkpoint import Asset, Checkpoint, Kind, LazyTensor, ModelSpec, Naming, differences
from kport.errors import CorruptFileError, UsageError


def layer(name, **config):
    return {"class_name": "Dense", "module": "keras.layers", "config": {"name": name, **config}}


def model(*layers, name="sequential", **fields):
    config = {"name": name, "layers": list(layers)}
    return {"class_name": "Sequential", "module": "keras", "config": config, **fields}


def tensor(name, values, path=None):
    values = np.asarray(values)
    kind = Kind.PARAMETER
    return LazyTensor(name, values.shape, str(values.dtype), kind, lambda: values, path)


def checkpoint(*tensors, config=None, naming=Naming.ATTRIBUTE, assets=(), **spec):
    return Checkpoint(
        ModelSpec(config or model(layer("dense")), **spec),
        {one.name: one for one in tensors},
        naming,
        {one.name: one for one in assets},
    )


@pytest.fixture
def diff(tmp_path):
    """Write two Checkpoints as bundles, and compare those."""

    def written(*both, names=("one", "two")):
        for name, one in zip(names, both, strict=True):
            formats.write(one, tmp_path / name)
        return kport.diff(*(tmp_path / name for name in names))

    return written


def test_one_model_in_two_formats_is_the_same(diff):
    one = checkpoint(tensor("dense.kernel", np.ones((2, 3), "f4"), "layers/dense/vars/0"))
    found = diff(one, one, names=("one", "two.keras"))
    assert (found.same, found.exit_code, found.alike) == (True, 0, 1)


def test_values_that_differ_are_counted_and_measured(diff):
    one, other = np.zeros(10, "f4"), np.zeros(10, "f4")
    one[[3, 4]], other[4] = np.nan, np.nan
    other[[7, 9]] = -0.25, 1e-3
    found = diff(checkpoint(tensor("w", one)), checkpoint(tensor("w", other)))
    (line,) = found.differences
    assert (line.what, line.place, line.first) == ("tensor", "w", "float32 [10]")
    assert line.detail == "3 of 10 values differ, by up to 2.5e-01"
    assert (found.exit_code, found.alike) == (1, 0)


def test_a_difference_far_into_a_large_tensor_is_found(diff):
    one = np.zeros(3_000_000, "i1")
    other = one.copy()
    other[-1] = 7
    (line,) = diff(checkpoint(tensor("w", one)), checkpoint(tensor("w", other))).differences
    assert line.detail == "1 of 3,000,000 values differ, by up to 7.0e+00"


def test_what_both_have_a_digest_of_is_not_read(diff, tmp_path, monkeypatch):
    def fail(self, index=None):
        raise AssertionError("was read")

    one = checkpoint(tensor("w", np.ones(4, "f4")))
    diff(one, one)
    monkeypatch.setattr(LazyTensor, "read", fail)
    assert kport.diff(tmp_path / "one", tmp_path / "two").alike == 1


def test_tensors_of_another_shape_dtype_or_name_are_named(diff):
    one = checkpoint(
        tensor("shape", np.ones((2, 3), "f4")),
        tensor("dtype", np.array([1.0, 1.001], "f4")),
        tensor("gone", np.ones(1, "f4")),
    )
    other = checkpoint(
        tensor("shape", np.ones((3, 2), "f4")),
        tensor("dtype", np.array([1.0, 1.0], "f2")),
        tensor("new", np.ones(1, "f4")),
    )
    found = {line.place: line for line in diff(one, other).differences}
    assert (found["shape"].first, found["shape"].second) == ("float32 [2, 3]", "float32 [3, 2]")
    assert found["dtype"].detail == "1 of 2 values differ, by up to 1.0e-03"
    assert (found["gone"].first, found["gone"].second) == ("float32 [1]", None)
    assert (found["new"].first, found["new"].second) == (None, "float32 [1]")


def test_definition_training_and_flags_are_compared(diff):
    adam = {"class_name": "Adam", "config": {"learning_rate": 0.1}}
    one = model(layer("a", units=2), layer("b", units=3), compile_config={"optimizer": adam})
    slow = {"class_name": "Adam", "config": {"learning_rate": 0.01}}
    other = model(layer("a", units=4), layer("c"), layer("b", units=3))
    other["compile_config"] = {"optimizer": slow}
    found = diff(
        checkpoint(config=one),
        checkpoint(
            config=other, frozen=("a",), ties={"a.x": "a.y"}, exempt={"optimizer": ("a.x",)}
        ),
    )
    places = {(line.what, line.place): (line.first, line.second) for line in found.differences}
    assert places == {
        ("definition", "config.layers.a.config.units"): (2, 4),
        ("definition", "config.layers.c"): (None, layer("c")),
        ("training", "optimizer.config.learning_rate"): (0.1, 0.01),
        ("frozen", "a"): (None, True),
        ("ties", "a.x"): (None, "a.y"),
        ("exempt", "optimizer"): (None, ["a.x"]),
    }


def test_names_and_marks_that_keras_counts_are_no_difference(diff):
    one, other = model(layer("dense_4")), model(layer("dense_9"), name="sequential_3")
    one["shared_object_id"], other["shared_object_id"] = 1, 7
    assert diff(checkpoint(config=one), checkpoint(config=other)).same


def test_assets_are_compared_by_content(diff):
    def asset(data):
        return Asset("words", len(data), lambda: data)

    one, other = checkpoint(assets=[asset(b"a b")]), checkpoint(assets=[asset(b"a c")])
    (line,) = diff(one, other).differences
    assert (line.what, line.place) == ("asset", "words")
    assert diff(one, one).same


def test_a_file_that_knows_keras_paths_alone_is_compared_by_them(tmp_path, monkeypatch):
    one = checkpoint(tensor("dense.kernel", np.ones(2, "f4"), "layers/dense/vars/0"))
    plain = {"layers/dense/vars/0": tensor("layers/dense/vars/0", np.ones(2, "f4"))}
    other = replace(one, tensors=plain, naming=Naming.KERAS)
    monkeypatch.setattr(formats, "read", {"one": one, "other": other}.get)
    found = kport.diff("one", "other")
    assert (found.same, found.alike) == (True, 1)


def test_a_legacy_file_is_held_against_others_of_its_kind_alone(tmp_path):
    formats.write(checkpoint(), tmp_path / "bundle")
    digits = Path(__file__).parent.parent / "examples" / "legacy" / "digits.h5"
    assert kport.diff(digits, digits).same
    with pytest.raises(UsageError, match=r"digits\.h5: is a legacy file") as raised:
        kport.diff(tmp_path / "bundle", digits)
    assert "digits.h5 converted.keras" in str(raised.value)


def test_damage_names_the_file_it_is_in(diff, tmp_path):
    def digested(value):
        one = tensor("w", np.full(4, value, "f4"))
        return checkpoint(one)

    diff(digested(1), digested(2))
    file = tmp_path / "two" / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(CorruptFileError, match=r"two: the values of tensor 'w' are not"):
        kport.diff(tmp_path / "one", tmp_path / "two")


def test_json_has_every_difference(diff):
    found = diff(checkpoint(tensor("w", np.ones(1))), checkpoint(tensor("v", np.ones(1))))
    text = json.dumps(found.to_json())
    assert json.loads(text)["same"] is False
    assert [one["place"] for one in json.loads(text)["differences"]] == ["w", "v"]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1, 2], [1, 3], [("[1]", 2, 3)]),
        ([1], [1, 3], [("", [1], [1, 3])]),
        ({"a": None}, {}, []),
        ([layer("a"), layer("a")], [layer("a")], [("", [layer("a")] * 2, [layer("a")])]),
    ],
)
def test_places_of_json(one, other, expected):
    assert list(differences(one, other)) == expected
