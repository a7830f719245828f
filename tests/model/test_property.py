"""Random nested architectures: what is saved, loaded and saved again is the same to the byte."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from parts import BATCH, WIDTH
from trees import TREES, Tree, grow, holds

import kport
from kport.model._walk import walk

pytestmark = [
    pytest.mark.backend,
    # Keras says so of parts that were never called, before kport sees them.
    pytest.mark.filterwarnings("ignore:`build\\(\\)` was called on layer:UserWarning"),
    pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask:UserWarning"),
]

EXAMPLES = 25 if settings.default.derandomize else 300
X = np.linspace(-1, 1, BATCH * WIDTH, dtype="float32").reshape(BATCH, WIDTH)
POLICIES = ["float32", "mixed_bfloat16", "mixed_float16"]
OPTIMIZERS: dict[str, Any] = {
    "adam": lambda: keras.optimizers.Adam(0.01),
    "momentum": lambda: keras.optimizers.SGD(0.01, momentum=0.9, use_ema=True),
    "scaled": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.RMSprop(0.01)),
}


def content(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    return {str(one.relative_to(path)): one.read_bytes() for one in files if one.is_file()}


def outputs(model: keras.Model, training: bool) -> Any:
    keras.utils.set_random_seed(1)  # PyTorch draws masks from a generator of the process
    return keras.ops.convert_to_numpy(model(X, training=training)).astype("float32")


def trained(model: keras.Model) -> list[str]:
    names = walk(model).names()
    return [names[id(one)] for one in model.trainable_weights]


def train(model: keras.Model) -> None:
    keras.utils.set_random_seed(1)
    with warnings.catch_warnings(action="ignore"):  # of what has no gradient
        model.train_on_batch(X, X)


def can_be_trained(tree: Tree) -> bool:
    """Whether Keras can: on PyTorch it goes back through states that a call has changed since."""
    return keras.backend.backend() != "torch" or not holds(tree, "stateful", "spectral")


def freeze(model: keras.Model, number: int) -> None:
    """Freeze a layer, or one weight alone, or with 0 nothing."""
    found = walk(model)
    every: list[Any] = [layer for _, layer in found.layers()]
    if number % 2:
        every = [one for one in found.variables.values() if one.trainable] or every
    if number:
        every[number % len(every)].trainable = False


def grown(tree: Tree, policy: str, frozen: int, optimizer: str | None) -> keras.Model:
    keras.utils.clear_session()
    keras.config.set_dtype_policy(policy)
    try:
        entry = keras.Input((WIDTH,), batch_size=BATCH)
        model = keras.Model(entry, grow(tree)(entry))
        outputs(model, training=True)
        freeze(model, frozen)
        if optimizer is not None and can_be_trained(tree):
            # There is always something to train: Keras on PyTorch trains no model without.
            model = keras.Model(entry, keras.layers.Dense(WIDTH)(model.output))
            model.compile(OPTIMIZERS[optimizer](), "mse", metrics=["mae"], run_eagerly=True)
            train(model)
        return model
    finally:
        keras.config.set_dtype_policy("float32")


def found_before(tree: Tree, target: str, frozen: int) -> Any:
    return example(tree=tree, target=target, policy="float32", frozen=frozen, optimizer=None)


# A few examples, the same in every run; HYPOTHESIS_PROFILE=search looks for new ones.
@settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(
    tree=TREES,
    target=st.sampled_from(["model.keras", "bundle"]),
    policy=st.sampled_from(POLICIES),
    frozen=st.integers(0, 9),
    optimizer=st.sampled_from([None, *sorted(OPTIMIZERS)]),
)
# The states of layers of a model that has no values at all; names of tensors in the graph of a
# functional model that code makes; the kind of a variable that a frozen layer lends; shapes that
# only a run in training gives; layers in a plain object in a layer in a closure.
@found_before("activation", "model.keras", 2)
@found_before(("code", [("functional", ["activation"])]), "model.keras", 0)
@found_before(("tied", ["activation"]), "model.keras", 2)
@found_before(("code", [("code", ["activation"])]), "model.keras", 0)
@found_before(("group closure", [("group object", ["dense", "norm"])]), "bundle", 4)
def test_saved_loaded_and_saved_again(
    tree: Tree, target: str, policy: str, frozen: int, optimizer: str | None, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path, ignore_errors=True)
    model = grown(tree, policy, frozen, optimizer)
    kport.save(model, tmp_path / "one" / target)
    loaded = kport.load(tmp_path / "one" / target)
    kport.save(loaded, tmp_path / "two" / target)
    assert content(tmp_path / "one" / target) == content(tmp_path / "two" / target)
    for training in (False, True):
        expected = outputs(model, training)
        np.testing.assert_array_equal(outputs(loaded, training), expected)
    assert trained(loaded) == trained(model)
    if model.compiled:
        for one, name in ((model, "three"), (loaded, "four")):
            train(one)
            kport.save(one, tmp_path / name / target)
        assert content(tmp_path / "three" / target) == content(tmp_path / "four" / target)
