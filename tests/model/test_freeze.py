"""Frozen parts keep their weights, take no gradients, and stay frozen in the file."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import zoo

import kport
from kport.errors import MismatchError, UsageError

pytestmark = pytest.mark.backend


def test_a_frozen_part_keeps_its_weights_while_the_rest_learns(tmp_path: Path) -> None:
    model, inputs = zoo.build("nested")
    paths = kport.freeze(model, "encoder/**", "blocks/0")
    assert {"encoder", "encoder.dense", "encoder.block.norm", "blocks.0.project"} <= set(paths)
    before = {weight.path: np.array(weight.numpy()) for weight in model.weights}
    zoo.train(model, inputs)
    moved = {w.path for w in model.weights if not np.array_equal(before[w.path], w.numpy())}
    frozen = [*model.encoder.weights, *model.blocks[0].weights]
    assert moved.isdisjoint({weight.path for weight in frozen})
    assert {weight.path for weight in model.blocks[1].trainable_weights} <= moved
    kport.save(model, tmp_path / "bundle")
    loaded = kport.load(tmp_path / "bundle")
    assert len(loaded.trainable_weights) == len(model.trainable_weights)
    assert loaded.blocks[0].norm.trainable is False


def test_one_part_of_a_frozen_part_can_be_released() -> None:
    model, _ = zoo.build("nested")
    everything = len(model.trainable_weights)
    kport.freeze(model, "**")
    assert model.trainable_weights == []
    assert kport.unfreeze(model, "blocks/1/project") == ("blocks.1.project",)
    assert [weight.name for weight in model.trainable_weights] == ["kernel", "bias"]
    kport.unfreeze(model, "**")
    assert len(model.trainable_weights) == everything


def test_a_pattern_that_matches_nothing_names_what_is_near() -> None:
    model, _ = zoo.build("nested")
    with pytest.raises(UsageError) as caught:
        kport.freeze(model, "encodr/**")
    assert "'encodr/**' matches no layer of" in str(caught.value)
    assert "encoder" in caught.value.remedy


def test_weights_load_under_other_names(tmp_path: Path) -> None:
    model, inputs = zoo.build("nested")
    kport.save(model, tmp_path / "bundle")

    class Renamed(zoo.Nested):
        HEADS = ("broad", "narrower")

    other = Renamed()
    other(np.zeros((1, 5), "float32"))
    with pytest.raises(MismatchError, match=r"the file has 'heads\.narrow\.bias' left over"):
        kport.load_weights(other, tmp_path / "bundle", rename={"heads.wide.**": "heads.broad.**"})
    report = kport.load_weights(
        other,
        tmp_path / "bundle",
        rename={"heads.wide.**": "heads.broad.**", "heads.narrow.**": "heads.narrower.**"},
    )
    assert set(report.renamed) == {
        f"heads.{name}.{part}" for name in ("broad", "narrower") for part in ("kernel", "bias")
    }
    np.testing.assert_array_equal(zoo.outputs(other, inputs), zoo.outputs(model, inputs))


def _training(model: keras.Model, inputs: np.ndarray) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(model(inputs, training=True)))


def test_a_frozen_part_infers_also_in_training_and_after_loading(tmp_path: Path) -> None:
    model, inputs = zoo.build("nested")
    kport.freeze(model, "**")
    kport.save(model, tmp_path / "bundle")
    expected = zoo.outputs(model, inputs)
    for one in (model, kport.load(tmp_path / "bundle")):
        trained = _training(one, inputs)
        np.testing.assert_array_equal(trained, expected)
        kport.unfreeze(one, "**")
        assert not np.array_equal(_training(one, inputs), trained)
