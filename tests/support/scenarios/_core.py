"""What the scenario modules share: the table, and inputs that are the same in every process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

import kport
from kport.checkpoint import Kind
from kport.model import capture

__all__ = [
    "SCENARIOS",
    "Call",
    "Scenario",
    "batch",
    "called",
    "component",
    "fingerprint",
    "scenario",
    "simple",
    "values",
]

Call = tuple[tuple[Any, ...], dict[str, Any]]
Make = Callable[[], tuple[keras.Model, Call]]
EVERY_BACKEND = ("tensorflow", "jax", "torch")


@dataclass(frozen=True)
class Scenario:
    """What a user builds.

    Arguments:
        make: Gives the model and the arguments to call it with.
        rows: The rows of `rows.ROWS` that it is.
        tolerance: How far outputs of two backends may differ, relative to the largest.
        draws: Whether outputs are drawn, and by other generators on each backend.
        backends: Those that can compute it.
    """

    make: Make
    rows: tuple[str, ...]
    tolerance: float = 1e-5
    draws: bool = False
    backends: tuple[str, ...] = EVERY_BACKEND

    def __call__(self) -> tuple[keras.Model, Call]:
        return self.make()


SCENARIOS: dict[str, Scenario] = {}


def batch(*shape: int) -> Any:
    """Return numbers that depend on the shape alone, so that every process has the same."""
    return np.random.default_rng(shape).normal(size=shape).astype("float32")


def scenario(*rows: str, **options: Any) -> Callable[[Make], Make]:
    """Enter what a function makes into the table, under the function's name."""

    def enter(make: Make) -> Make:
        SCENARIOS[make.__name__] = Scenario(make, rows, **options)
        return make

    return enter


def simple(model: keras.Model) -> tuple[keras.Model, Call]:
    return model, ((batch(4, 3),), {})


def component(cls: Any) -> Any:
    return kport.register("scenarios")(cls)


def called(model: keras.Model, call: Call) -> Any:
    """Return all outputs of a model as one row of numbers."""
    args, kwargs = keras.tree.map_structure(_tensor, call)
    outputs = keras.tree.flatten(model(*args, **kwargs))
    rows = [np.asarray(keras.ops.convert_to_numpy(one), "float32").ravel() for one in outputs]
    return np.concatenate(rows)


def _tensor(value: Any) -> Any:
    return keras.ops.convert_to_tensor(value) if isinstance(value, np.ndarray) else value


def values(model: keras.Model) -> dict[str, Any]:
    """Every value of a model; what .npz does not know as the float32 that it equals.

    What Keras derives of others for its own file is left out: it is computed by the backend.
    """
    found = {}
    for name, one in capture(model).tensors.items():
        if one.kind is Kind.DERIVED:
            continue
        value = np.array(one.read())
        found[name] = value.astype("float32") if one.dtype in _NO_NUMPY else value
    return found


_NO_NUMPY = ("bfloat16", "float8_e4m3fn", "float8_e5m2")


def fingerprint(model: keras.Model) -> dict[str, Any]:
    """What must be the same beside the values, as JSON."""
    checkpoint = capture(model)
    told = checkpoint.spec.to_json()
    told["tensors"] = {
        # The backends differ in the integers of their seeds and counters.
        name: [one.dtype.lstrip("u").removesuffix("32").removesuffix("64"), list(one.shape)]
        if "int" in one.dtype
        else [one.dtype, list(one.shape)]
        for name, one in sorted(checkpoint.tensors.items())
    }
    told["builds"] = {path: _without_batch(one) for path, one in told["builds"].items()}
    told["vocabularies"] = {name: one.read().decode() for name, one in checkpoint.assets.items()}
    training = checkpoint.spec.config.get("compile_config") or {}
    told["training"] = {key: one for key, one in training.items() if key != "jit_compile"}
    told["named"] = [checkpoint.spec.config["class_name"], model.name]
    return told


def _without_batch(node: Any) -> Any:
    """Return shapes with a free batch, where Keras on PyTorch has the 83 that it tries with."""
    if isinstance(node, dict):
        return {name: _without_batch(one) for name, one in node.items()}
    if isinstance(node, list) and node and not isinstance(node[0], (list, dict)):
        return [None, *node[1:]]
    return [_without_batch(one) for one in node] if isinstance(node, list) else node
