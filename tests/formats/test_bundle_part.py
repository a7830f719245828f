"""One model out of a bundle: it is as it is in the whole, and the rest is not looked at."""

import json
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from kport.checkpoint import Asset, Kind, ModelSpec, around_part
from kport.errors import CorruptFileError, UnreadableError, UnsafeFileError
from kport.formats import WriteOptions
from kport.formats.bundle import BUNDLE

OUTER = {"class_name": "Sequential", "config": {"name": "outer"}}
INNER = {"class_name": "Sequential", "config": {"name": "inner"}}
PATHS = ("left", "left/inner", "left.inner.dense", "left.other", "right.dense", "head", "", "no")


@pytest.fixture
def whole(checkpoint, tensor):
    """Two models, one of them in another; the right one shares a kernel with the left."""
    names = ("left.inner.dense.kernel", "left.other", "right.dense.bias", "head.kernel")
    spec = ModelSpec(
        {"class_name": "Model", "config": {"name": "whole"}},
        builds={"left.inner": {"input_shape": [1, 2]}, "head": {"input_shape": [1, 2]}},
        frozen=("left.inner", "head"),
        parts={
            "left": {"config": OUTER, "signature": None},
            "left.inner": {"config": INNER, "signature": [{"shape": [1], "dtype": "int32"}]},
            "right": {"config": OUTER, "signature": None},
        },
        ties={"right.dense.kernel": names[0]},
    )
    return checkpoint(
        *(tensor(name, np.arange(index + 2, dtype="f4")) for index, name in enumerate(names)),
        tensor("optimizer.iteration", np.int64(12), Kind.OPTIMIZER),
        spec=spec,
        assets={name: Asset(name, 1, lambda: b"a") for name in ("left.inner/v.txt", "head/v.txt")},
        provenance={"backend": "jax"},
    )


@pytest.fixture(params=[(), ("left",), ("right",), ("left", "right"), ("left.inner",)], ids=str)
def bundle(request, whole, tmp_path):
    path = tmp_path / "net"
    BUNDLE.write(whole, path, WriteOptions(split=request.param))
    return path


def told(found):
    one, inside = found
    values = {name: (row.read().tobytes(), row.kind) for name, row in one.tensors.items()}
    assets = {name: row.read() for name, row in one.assets.items()}
    return one.spec, values, assets, one.provenance, inside


@pytest.mark.parametrize("path", PATHS)
def test_a_part_is_that_of_the_whole(bundle, path):
    assert told(BUNDLE.read_part(bundle, path)) == told(around_part(BUNDLE.read(bundle), path))


@pytest.mark.parametrize("bundle", [()], indirect=True, ids=str)
def test_only_damage_to_the_part_itself_is_seen(bundle):
    file = bundle / "model.safetensors"
    file.write_bytes(file.read_bytes().replace(b"[40,56]", b"[83,99]"))  # of right.dense.bias
    kept = told(BUNDLE.read_part(bundle, "left"))
    assert sorted(kept[1]) == ["inner.dense.kernel", "other"]
    with pytest.raises(CorruptFileError) as caught:
        BUNDLE.read_part(bundle, "right")
    text = "tensors['right.dense.bias'].data_offsets: end at 99, and there are 56 bytes of values"
    assert text in str(caught.value)


@pytest.mark.parametrize("bundle", [("left", "right")], indirect=True, ids=str)
def test_another_part_may_be_gone_and_a_changed_one_is_refused(bundle):
    (bundle / "parts" / "left" / "kport.json").unlink()
    assert sorted(told(BUNDLE.read_part(bundle, "right"))[1]) == ["dense.bias", "dense.kernel"]
    manifest = bundle / "parts" / "right" / "kport.json"
    manifest.write_text(manifest.read_text() + " ")
    with pytest.raises(CorruptFileError, match="part 'right': was changed since the whole was"):
        BUNDLE.read_part(bundle, "right")


@pytest.mark.parametrize("bundle", [(), ("left",)], indirect=True, ids=str)
def test_whatever_stands_in_the_manifest_the_answer_is_ours(bundle):
    original = json.loads((bundle / "kport.json").read_text())
    places = [(key,) for key in original]
    places += [("spec", key) for key in original["spec"]]
    places += [("spec", "parts", "left"), ("spec", "parts", "left", "config")]
    places += [("spec", "ties", "right.dense.kernel"), ("tensors", "right.dense.bias")]
    for place in places:
        for junk in (None, True, -1, "", [], [[]], {}, {"": {}}, {"left": None}):
            data = json.loads(json.dumps(original))
            node = data
            for key in place[:-1]:
                node = node[key]
            node[place[-1]] = junk
            (bundle / "kport.json").write_text(json.dumps(data))
            for part in ("left.inner", "right"):
                with suppress(UnreadableError, UnsafeFileError):
                    BUNDLE.read_part(bundle, part)


def test_a_part_keeps_the_memory_order(whole, tmp_path):
    name = "left.inner.dense.kernel"
    one = replace(whole.tensors[name], shape=(2, 1), source=lambda: np.ones((2, 1), "f4"))
    tensors = {**whole.tensors, name: replace(one, order=(1, 0))}
    BUNDLE.write(replace(whole, tensors=tensors), tmp_path / "net", WriteOptions())
    found, _ = BUNDLE.read_part(tmp_path / "net", "right")
    assert found.tensors["dense.kernel"].order == (1, 0)
