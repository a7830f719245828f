"""One model out of several is loaded alone, and nothing else is read."""

from __future__ import annotations

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
from kport.errors import UsageError
from kport.model import build

pytestmark = pytest.mark.backend


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
    with pytest.raises(UsageError, match="bundle: has no part 'encode' that can be") as caught:
        kport.load(tmp_path / "bundle", part="encode")
    assert caught.value.remedy == "Parts: encoder."
