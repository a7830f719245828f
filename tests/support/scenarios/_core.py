"""What the scenario modules share: the table, and inputs that are the same in every process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

import kport
from kport.model import capture

__all__ = [
    "SCENARIOS",
    "Call",
    "batch",
    "called",
    "component",
    "fingerprint",
    "scenario",
    "simple",
    "values",
]

Call = tuple[tuple[Any, ...], dict[str, Any]]
Scenario = Callable[[], tuple[keras.Model, Call]]
SCENARIOS: dict[str, Scenario] = {}


def batch(*shape: int) -> Any:
    """Return numbers that depend on the shape alone, so that every process has the same."""
    return np.random.default_rng(shape).normal(size=shape).astype("float32")


def scenario(make: Scenario) -> Scenario:
    SCENARIOS[make.__name__] = make
    return make


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
    """Every value of a model; what .npz does not know as the float32 that it equals."""
    found = {}
    for name, one in capture(model).tensors.items():
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
    told["vocabularies"] = {name: one.read().decode() for name, one in checkpoint.assets.items()}
    training = checkpoint.spec.config.get("compile_config") or {}
    told["training"] = {key: one for key, one in training.items() if key != "jit_compile"}
    told["named"] = [checkpoint.spec.config["class_name"], model.name]
    return told
