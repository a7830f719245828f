"""Models inside a model: loaded alone, split off, swapped, and put back."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import zoo

import kport
from kport import formats
from kport.checkpoint import part_of
from kport.errors import CorruptFileError, MismatchError, UnsafeFileError, UsageError
from kport.model import build

pytestmark = pytest.mark.backend


@kport.register("parts")
class Towers(keras.Model):
    """Takes two models, and makes a third in its own code."""

    def __init__(self, left: keras.Model, right: keras.Model) -> None:
        super().__init__()
        self.left, self.right = left, right
        self.head = keras.Sequential([keras.layers.Dense(1)], name="head")

    def call(self, x: Any) -> Any:
        return self.head(keras.ops.concatenate([self.left(x), self.right(x)], axis=-1))


def tower(units: int = 4, activation: str = "relu", name: str = "tower") -> keras.Model:
    layers = [keras.Input((3,)), keras.layers.Dense(units, activation), keras.layers.Dense(2)]
    return keras.Sequential(layers, name=name)


def two_towers() -> tuple[keras.Model, np.ndarray[Any, Any]]:
    model = Towers(tower(name="left"), tower(name="right"))
    x = np.random.default_rng(3).normal(size=(8, 3)).astype("float32")
    model.compile("adam", "mse")
    model.fit(x, np.ones((8, 1)), verbose=0)
    return model, x


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.mark.parametrize("target", ["model.keras", "bundle"])
def test_a_part_of_a_subclassed_model_loads_alone(target: str, tmp_path: Path) -> None:
    model, inputs = zoo.build("nested")
    kport.freeze(model, "encoder/block")
    kport.save(model, tmp_path / target)
    encoder = kport.load(tmp_path / target, part="encoder")
    assert isinstance(encoder, keras.Sequential)
    np.testing.assert_array_equal(zoo.outputs(encoder, inputs), zoo.outputs(model.encoder, inputs))
    assert encoder.layers[1].trainable is False
    kport.save(encoder, tmp_path / "alone")
    assert kport.verify(tmp_path / "alone", imports=["zoo"], backends=[keras.backend.backend()]).ok


def test_a_shared_part_of_a_functional_model_loads_alone(tmp_path: Path) -> None:
    model, inputs = zoo.build("functional")
    kport.save(model, tmp_path / "bundle")
    shared = kport.load(tmp_path / "bundle", part="shared")
    expected = zoo.outputs(model.get_layer("shared"), inputs["left"])
    np.testing.assert_array_equal(zoo.outputs(shared, inputs["left"]), expected)


@pytest.mark.parametrize("target", ["model.keras", "bundle"])
def test_a_layer_that_is_no_model_loads_alone(target: str, tmp_path: Path) -> None:
    model, _ = two_towers()
    kport.save(model, tmp_path / target)
    dense = kport.load(tmp_path / target, part="left/dense")
    assert isinstance(dense, keras.layers.Dense)
    for ours, theirs in zip(dense.weights, model.left.layers[0].weights, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    assert sorted(line.name for line in kport.report_of(dense).lines) == [
        "dense.bias",
        "dense.kernel",
    ]


def test_only_the_parts_values_are_read(tmp_path: Path) -> None:
    model, _ = zoo.build("nested")
    kport.save(model, tmp_path / "bundle")
    checkpoint = formats.read(tmp_path / "bundle")
    read: list[str] = []

    def watched(name: str, source: Any) -> Any:
        return lambda: (read.append(name), source())[1]

    tensors = {
        name: replace(one, source=watched(name, one.source))
        for name, one in checkpoint.tensors.items()
    }
    build(part_of(replace(checkpoint, tensors=tensors), "encoder"))
    assert read
    assert {name.split(".")[0] for name in read} == {"encoder"}


def test_a_part_that_is_not_there_is_said_with_those_that_are(tmp_path: Path) -> None:
    model, _ = zoo.build("nested")
    kport.save(model, tmp_path / "bundle")
    with pytest.raises(UsageError, match="bundle: has no part 'encode'") as caught:
        kport.load(tmp_path / "bundle", part="encode")
    assert caught.value.remedy.startswith("Layers with a similar path: encoder, ")


def test_a_split_bundle_is_the_whole_again(tmp_path: Path) -> None:
    model, x = two_towers()
    kport.save(model, tmp_path / "whole")
    kport.save(model, tmp_path / "split", split=["left", "right"])
    again = kport.load(tmp_path / "split")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    kport.save(again, tmp_path / "again")
    assert files(tmp_path / "again") == files(tmp_path / "whole")
    alone = kport.load(tmp_path / "split" / "parts" / "left")
    np.testing.assert_array_equal(alone.predict(x, verbose=0), model.left.predict(x, verbose=0))


def test_a_part_retrained_alone_is_put_back_without_touching_the_rest(tmp_path: Path) -> None:
    model, x = two_towers()
    target = tmp_path / "towers"
    kport.save(model, target, split=["left", "right"])
    left = kport.load(target, part="left")
    left.compile("sgd", "mse")
    left.fit(x, np.ones((8, 2)), verbose=0)
    before = {name: os.stat(target / name).st_ino for name in files(target)}
    kport.save(left, target, part="left")
    after = {name: os.stat(target / name).st_ino for name in files(target)}
    touched = {name.rpartition("/")[0] or name for name in after if before[name] != after[name]}
    assert touched == {"README.md", "config.json", "kport.json", "parts/left"}
    again = kport.load(target)
    np.testing.assert_array_equal(again.left.predict(x, verbose=0), left.predict(x, verbose=0))
    np.testing.assert_array_equal(
        again.right.predict(x, verbose=0), model.right.predict(x, verbose=0)
    )
    assert int(again.optimizer.iterations) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["towers"]


@pytest.mark.parametrize("kind", ["path", "keras", "model"])
def test_another_architecture_takes_the_place_of_a_part(kind: str, tmp_path: Path) -> None:
    model, x = two_towers()
    kport.save(model, tmp_path / "towers", split=["left"])
    other = tower(9, "tanh", name="another")
    source: Any = other
    if kind != "model":
        source = tmp_path / ("other.keras" if kind == "keras" else "other")
        other.save(source) if kind == "keras" else kport.save(other, source)
    swapped = kport.load(tmp_path / "towers", parts={"left": source})
    assert swapped.left.name == "left"
    np.testing.assert_array_equal(swapped.left.predict(x, verbose=0), other.predict(x, verbose=0))
    assert kport.report_of(swapped).dropped  # the slots of the old tower
    swapped.fit(x, np.ones((8, 1)), verbose=0)
    kport.save(other, tmp_path / "towers", part="left")
    again = kport.load(tmp_path / "towers")
    np.testing.assert_array_equal(again.left.predict(x, verbose=0), other.predict(x, verbose=0))


def test_a_part_that_the_parents_code_makes_cannot_become_another(tmp_path: Path) -> None:
    model, _ = two_towers()
    kport.save(model, tmp_path / "towers")
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, "relu")])
    with pytest.raises(UsageError, match=r"'head' is another model than the code of its parent"):
        kport.load(tmp_path / "towers", parts={"head": other})


def test_a_graph_with_other_inputs_cannot_take_the_place_of_a_part(tmp_path: Path) -> None:
    model, _ = two_towers()
    kport.save(model, tmp_path / "towers", split=["left"])
    before = files(tmp_path / "towers")
    wide = keras.Sequential([keras.Input((7,)), keras.layers.Dense(2)])
    both = keras.Model(entries := [keras.Input((3,)), keras.Input((3,))], keras.ops.add(*entries))
    for other, taken in (
        (wide, r"float32\[\*, 7\]"),
        (both, r"float32\[\*, 3\], float32\[\*, 3\]"),
    ):
        text = rf"'left' takes {taken}, and the whole gives it float32\[\*, 3\]"
        with pytest.raises(UsageError, match=text):
            kport.load(tmp_path / "towers", parts={"left": other})
        with pytest.raises(UsageError, match=text):
            kport.save(other, tmp_path / "towers", part="left")
    assert files(tmp_path / "towers") == before
    swapped = kport.load(tmp_path / "towers", parts={"left": tower(5)})
    assert swapped.left.count_params() == tower(5).count_params()


def test_parts_of_one_config_cannot_be_told_apart(tmp_path: Path) -> None:
    model = Towers(tower(name="same"), tower(name="same"))
    model(np.zeros((1, 3), "float32"))
    kport.save(model, tmp_path / "towers")
    same = kport.load(tmp_path / "towers", parts={"left": tower(name="same")})
    assert isinstance(same, Towers)
    with pytest.raises(UsageError, match="2 parts of the whole have the config of the old one"):
        kport.load(tmp_path / "towers", parts={"left": tower(5)})


def test_unnamed_parts_of_a_functional_model_are_told_apart_by_their_place(tmp_path: Path) -> None:
    entry = keras.Input((3,))
    halves = [keras.Sequential([keras.layers.Dense(2)]) for _ in range(2)]
    model = keras.Model(entry, keras.layers.Concatenate()([half(entry) for half in halves]))
    kport.save(model, tmp_path / "model")
    other, x = tower(5), np.ones((2, 3), "float32")
    swapped = kport.load(tmp_path / "model", parts={"sequential_1": other})
    both = [one.predict(x, verbose=0) for one in (halves[0], other)]
    expected = np.concatenate(both, axis=-1)
    np.testing.assert_array_equal(swapped.predict(x, verbose=0), expected)


@kport.register("parts")
class Tied(keras.Model):
    """Two models that share a layer."""

    def __init__(self) -> None:
        super().__init__()
        shared = keras.layers.Dense(3, name="shared")
        self.one = keras.Sequential([keras.Input((3,)), shared])
        self.two = keras.Sequential([keras.Input((3,)), shared])

    def call(self, x: Any) -> Any:
        return self.one(x) + self.two(x)


def test_shared_variables_stay_shared_and_one_part_alone_cannot_change_them(
    tmp_path: Path,
) -> None:
    model = Tied()
    x = np.ones((2, 3), "float32")
    model(x)
    target = tmp_path / "tied"
    kport.save(model, target, split=["one", "two"])
    again = kport.load(target)
    assert again.one.layers[0].kernel is again.two.layers[0].kernel
    two = kport.load(target / "parts" / "two")
    kport.save(two, target, part="two")  # equal values: nothing to disagree about
    two.layers[0].kernel.assign(two.layers[0].kernel + 1)
    before = files(tmp_path)
    with pytest.raises(MismatchError, match=r"two\.shared\.kernel: is shared with one\.shared"):
        kport.save(two, target, part="two")
    assert files(tmp_path) == before


def test_a_part_changed_behind_the_wholes_back_is_refused(tmp_path: Path) -> None:
    model, _ = two_towers()
    target = tmp_path / "towers"
    kport.save(model, target, split=["left"])
    other = tower()
    kport.save(other, target / "parts" / "left")
    with pytest.raises(CorruptFileError, match="part 'left': was changed since the whole was"):
        kport.load(target)
    kport.save(other, target, part="left")
    loaded = kport.load(target)
    np.testing.assert_array_equal(
        loaded.left.layers[0].kernel.numpy(), other.layers[0].kernel.numpy()
    )


def test_a_flipped_bit_in_a_part_is_found(tmp_path: Path) -> None:
    model, _ = two_towers()
    target = tmp_path / "towers"
    kport.save(model, target, split=["left"])
    assert kport.check(target).ok
    file = target / "parts" / "left" / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    (problem,) = kport.check(target).problems
    assert problem.place == "part 'left': tensors['dense_1.kernel']"


def test_a_part_is_never_read_through_a_link(tmp_path: Path) -> None:
    model, _ = two_towers()
    target = tmp_path / "towers"
    kport.save(model, target, split=["left"])
    (target / "parts").rename(tmp_path / "elsewhere")
    (target / "parts").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeFileError, match=r"'parts/left/kport.json' is a symbolic link"):
        kport.load(target)


def test_what_cannot_be_split_or_put_back_is_said(tmp_path: Path) -> None:
    model, _ = two_towers()
    with pytest.raises(UsageError, match=r"model\.keras: split: a .* holds no parts as files"):
        kport.save(model, tmp_path / "model.keras", split=["left"])
    with pytest.raises(UsageError, match="has no part 'middle' that can be loaded alone"):
        kport.save(model, tmp_path / "bundle", split=["middle"])
    kport.save(model, tmp_path / "bundle")
    with pytest.raises(UsageError, match="has no part 'left' in a bundle of its own") as caught:
        kport.save(tower(), tmp_path / "bundle", part="left")
    assert caught.value.remedy.startswith("Split off: none. kport.save(model, path, split=[...])")
    kport.save(model, tmp_path / "model.keras")
    with pytest.raises(UsageError, match=r"part: a .* holds no parts as files of their own"):
        kport.save(tower(), tmp_path / "model.keras", part="left")
