"""Kernels that lie transposed in memory, as PyTorch's orthogonal ones do, and train to the bit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

import kport
from kport.model import capture

pytestmark = pytest.mark.backend

TARGETS = ("bundle", "model.keras")
TORCH = keras.backend.backend() == "torch"


def made(seed: int = 3) -> keras.Model:
    """A model whose kernels are orthogonal: one higher than wide, one of a convolution."""
    keras.utils.set_random_seed(seed)
    layers = [
        keras.Input((6, 5)),
        keras.layers.Conv1D(4, 3, kernel_initializer="orthogonal"),
        keras.layers.Flatten(),
    ]
    start = keras.Sequential(layers, name="start")
    head = keras.layers.Dense(4, kernel_initializer="orthogonal", name="head")
    model = keras.Sequential([keras.Input((6, 5)), start, head])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model


def train(model: keras.Model, start: int, stop: int) -> None:
    for step in range(start, stop):
        generator = np.random.default_rng(step)
        x, y = generator.normal(size=(1, 6, 5)), generator.normal(size=(1, 4))
        model.train_on_batch(x.astype("float32"), y.astype("float32"))


def state(model: keras.Model) -> dict[str, bytes]:
    return {name: one.read().tobytes() for name, one in capture(model).tensors.items()}


def orders(model: keras.Model) -> dict[str, tuple[int, ...] | None]:
    return {name: one.own_order for name, one in capture(model).tensors.items() if one.own_order}


def lies_as_made(name: str = "start.conv1d.kernel") -> dict[str, tuple[int, ...]]:
    return {name: (2, 0, 1), "head.kernel": (1, 0)} if TORCH else {}


def resume(path: str) -> str:
    """Train the second half, in a process of its own, and return the state as JSON."""
    model = kport.load(path)
    train(model, 4, 8)
    return json.dumps({name: one.hex() for name, one in state(model).items()})


@pytest.mark.parametrize("target", TARGETS)
def test_training_goes_on_to_the_bit_in_another_process(
    tmp_path: Path, target: str, run_python: Callable[..., str]
) -> None:
    straight, half = made(), made()
    assert orders(half) == lies_as_made()
    train(straight, 0, 8)
    train(half, 0, 4)
    kport.save(half, tmp_path / target)
    code = "import sys; sys.path.insert(0, sys.argv[1]); import test_memory_order as here; "
    code += "print(here.resume(sys.argv[2]))"
    backend = keras.backend.backend()
    printed = run_python(code, str(Path(__file__).parent), str(tmp_path / target), backend=backend)
    resumed = json.loads(printed.splitlines()[-1])
    assert resumed == {name: one.hex() for name, one in state(straight).items()}


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_loaded_lies_as_what_was_saved(tmp_path: Path, target: str) -> None:
    kport.save(made(), tmp_path / target)
    loaded = kport.load(tmp_path / target)
    assert orders(loaded) == lies_as_made()
    kport.save(loaded, tmp_path / f"again_{target}")
    if target == "bundle":
        first, second = (tmp_path / name / "kport.json" for name in (target, f"again_{target}"))
        assert first.read_bytes() == second.read_bytes()
    part = kport.load(tmp_path / target, part="start")
    assert orders(part) == ({"conv1d.kernel": (2, 0, 1)} if TORCH else {})


@pytest.mark.parametrize("target", TARGETS)
def test_a_model_that_exists_takes_the_order_of_the_file(tmp_path: Path, target: str) -> None:
    fresh, twin = made(5), keras.models.clone_model(made())
    kport.save(made(), tmp_path / target)
    kernel = twin.get_layer("head").kernel
    if TORCH:
        kernel.value.data = kernel.value.data.contiguous()
        assert "head.kernel" not in orders(twin)
    kport.load_weights(twin, tmp_path / target)
    assert orders(twin) == lies_as_made()
    assert twin.get_layer("head").kernel is kernel

    if TORCH:
        kernel.value.data = kernel.value.data.contiguous()
    kport.save(twin, tmp_path / f"plain_{target}")
    kport.load_weights(fresh, tmp_path / f"plain_{target}")
    assert orders(fresh) == orders(twin)


def test_a_file_that_says_nothing_leaves_a_model_as_it_lies(tmp_path: Path) -> None:
    made().save(tmp_path / "plain.keras")
    fresh = made(5)
    kport.load_weights(fresh, tmp_path / "plain.keras")
    assert orders(fresh) == lies_as_made()


def test_a_copy_in_the_background_keeps_the_order(tmp_path: Path) -> None:
    pending = kport.save(made(), tmp_path / "bundle", block=False)
    assert pending is not None
    pending.wait()
    assert orders(kport.load(tmp_path / "bundle")) == lies_as_made()
