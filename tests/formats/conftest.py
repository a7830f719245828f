"""Small tensors and Checkpoints to write, without Keras."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from kport.checkpoint import (
    Asset,
    Checkpoint,
    Kind,
    LazyTensor,
    ModelSpec,
    Sample,
    dtype_name,
)


def make_tensor(name, values, kind=Kind.PARAMETER, keras_path=None):
    values = np.asarray(values)
    return LazyTensor(
        name, values.shape, dtype_name(values.dtype), kind, lambda: values, keras_path=keras_path
    )


def make_checkpoint(*tensors, **fields):
    config = {"module": "keras", "class_name": "Sequential", "config": {"name": "net"}}
    fields = {"spec": ModelSpec(config)} | fields
    return Checkpoint(tensors={one.name: one for one in tensors}, **fields)


def make_full_checkpoint():
    """One of everything that a bundle holds."""
    numbers = np.random.default_rng(7)
    spec = ModelSpec(
        {
            "module": None,
            "class_name": "Encoder",
            "registered_name": "acme>Encoder",
            "config": {"units": 4, "name": "größe", "maximum": float("inf")},
            "compile_config": {"optimizer": "adam"},
        },
        signature=[{"shape": [None, 3], "dtype": "float32"}],
        components={"acme>Encoder": 2},
        frozen=("norm",),
        trained={"optimizer": ("dense.kernel",)},
        ties={"head.kernel": "dense.kernel"},
    )
    return make_checkpoint(
        make_tensor("dense.kernel", numbers.normal(size=(3, 4)).astype("f4"), keras_path="d/0"),
        make_tensor("dense.packed", np.arange(-8, 8).astype(ml_dtypes.int4)),
        make_tensor("dense.codes", np.arange(16).astype(ml_dtypes.uint4)),
        make_tensor("norm.mean", numbers.normal(size=4), Kind.STATE, "n/0"),
        make_tensor("optimizer.iteration", np.int64(12), Kind.OPTIMIZER),
        make_tensor("dropout.seed", np.array([1, 2], "u4"), Kind.SEED),
        make_tensor("accuracy.total", np.float32(3), Kind.METRIC),
        make_tensor("lora.merged", np.ones(3, "f4"), Kind.DERIVED),
        spec=spec,
        assets={
            "lookup/vocabulary.txt": Asset("lookup/vocabulary.txt", 3, lambda: b"a\nb", "l/v.txt")
        },
        provenance={"writer": "kport", "backend": "jax"},
        sample=Sample({"x": np.ones((2, 3), "f4")}, [np.zeros((2, 1), "f4")]),
    )


@pytest.fixture
def tensor():
    return make_tensor


@pytest.fixture
def checkpoint():
    return make_checkpoint


@pytest.fixture
def full():
    return make_full_checkpoint()
