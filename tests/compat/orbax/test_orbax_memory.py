"""A conversion holds a few values, however many there are."""

import json
import os

import numpy as np
import pytest
import tensorstore

from kport import formats

# A small one is converted first, so that all code is there.
CONVERT = """
import sys
sys.path.append("tests/support")
import kport
from memory import peak_of
small, source, target, *how = sys.argv[1:]
options = {"weights_only": bool(how)}
kport.convert(small, f"{target}-small", **options)
print(peak_of(lambda: kport.convert(source, target, **options)))
"""
LAYERS, SIDE = 56, 768  # 132 MB
MOST = 64 * 10**6  # five values and the blocks of a writer are 40
CHUNKS = {"whole": (SIDE, SIDE), "sharded": (SIDE, SIDE // 8)}


def values_of(layer):
    return np.random.default_rng(layer).normal(size=(SIDE, SIDE)).astype("f4")


def config():
    layers = [{"class_name": "InputLayer", "config": {"batch_shape": [None, SIDE]}}]
    for number in range(LAYERS):
        options = {"name": f"dense_{number}", "units": SIDE, "use_bias": False}
        layers.append({"class_name": "Dense", "config": options})
    for one in layers:
        one |= {"module": "keras.layers", "registered_name": None}
    model = {"name": "wide", "layers": layers}
    return {"module": "keras", "class_name": "Sequential", "config": model, "registered_name": None}


@pytest.fixture(scope="module", params=CHUNKS)
def large(request, tmp_path_factory):
    """A checkpoint as the callback writes it, of chunks that one device held or eight."""
    step = tmp_path_factory.mktemp(request.param) / "0"
    tree = step / "pytree"
    (step / "model_config").mkdir(parents=True)
    (step / "_CHECKPOINT_METADATA").write_text("{}")
    text = json.dumps({"config": json.dumps(config())})
    (step / "model_config" / "_strings.json").write_text(text)
    rows = {}
    for number in range(LAYERS):
        keys = ("trainable_variables", "wide", f"dense_{number}", "kernel")
        rows[str(keys)] = {"key_metadata": [{"key": key, "key_type": 2} for key in keys]}
        base = {"driver": "file", "path": f"{tree}/"}
        array = tensorstore.open(
            {
                "driver": "zarr",
                "kvstore": {"driver": "ocdbt", "base": base, "path": f"{'.'.join(keys)}/"},
                "metadata": {"chunks": CHUNKS[request.param], "compressor": {"id": "zstd"}},
            },
            dtype="float32",
            shape=(SIDE, SIDE),
            create=True,
        ).result()
        array.write(values_of(number)).result()
    (tree / "_METADATA").write_text(json.dumps({"tree_metadata": rows, "use_ocdbt": True}))
    return step


def check(bundle, peak):
    kernels = sorted(formats.read(bundle).tensors.items())
    assert len(kernels) == LAYERS
    last = next(one for name, one in kernels if f"{LAYERS - 1}" in name)
    np.testing.assert_array_equal(last.read(), values_of(LAYERS - 1))
    assert peak < MOST, f"{peak / 1e6:.0f} MB"


def test_weights_alone(large, golden, run_python, tmp_path):
    peak = run_python(CONVERT, golden / "stateless", large, tmp_path / "net", "weights")
    check(tmp_path / "net", int(peak))


@pytest.mark.backend
def test_a_model(large, golden, run_python, tmp_path):
    backend = os.environ["KERAS_BACKEND"]
    peak = run_python(CONVERT, golden / "stateless", large, tmp_path / "net", backend=backend)
    check(tmp_path / "net", int(peak))
    assert not [one for one in tmp_path.iterdir() if one.name not in ("net", "net-small")]
