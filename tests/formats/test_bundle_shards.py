import json

import numpy as np
import pytest

from kport.checkpoint import Kind, LazyTensor
from kport.formats import WriteOptions
from kport.formats.bundle import BUNDLE
from kport.formats.bundle._shards import plan_shards

# Sizes in the order of the names, the limit, and the shards by sizes. The first is the example in
# the documentation of huggingface_hub's split_state_dict_into_shards_factory; the others follow
# its rule, whose turns are: a tensor above the limit closes nothing and comes out at once, and a
# file that is full to the byte is not closed.
CASES = {
    "the documented example": ([6, 6, 2, 6, 2, 2], 10, [[6], [6, 2], [6, 2, 2]]),
    "all in one": ([6, 2, 2], 10, [[6, 2, 2]]),
    "one too large": ([11], 10, [[11]]),
    "full to the byte": ([5, 5, 1], 10, [[5, 5], [1]]),
    "one too large in between": ([3, 11, 4, 3, 3], 10, [[11], [3, 4, 3], [3]]),
    "one too large at the end": ([3, 11], 10, [[11], [3]]),
    "empty tensors": ([0, 10, 0], 10, [[0, 10, 0]]),
    "none": ([], 10, []),
}


@pytest.mark.parametrize("case", CASES)
def test_shards(case):
    sizes, limit, expected = CASES[case]
    tensors = [
        LazyTensor(f"t{n}", (size,), "uint8", Kind.PARAMETER, lambda: None)
        for n, size in enumerate(sizes)
    ]
    plan = plan_shards(tensors, limit)
    assert [[one.nbytes for one in shard] for shard in plan.values()] == expected
    count = len(expected)
    assert list(plan) == (
        ["model.safetensors"][:count]
        if count < 2
        else [f"model-{n:05d}-of-{count:05d}.safetensors" for n in range(1, count + 1)]
    )


def test_a_sharded_bundle(tmp_path, tensor, checkpoint):
    tensors = [tensor(name, np.ones(size, "u1")) for name, size in [("a", 6), ("b", 6), ("c", 2)]]
    state = tensor("d", np.ones(2, "f4"), Kind.STATE)
    path = tmp_path / "net"
    BUNDLE.write(checkpoint(*reversed(tensors), state), path, WriteOptions(shard_size=10))
    assert sorted(one.name for one in path.iterdir()) == [
        "README.md",
        "config.json",
        "kport.json",
        "model-00001-of-00003.safetensors",
        "model-00002-of-00003.safetensors",
        "model-00003-of-00003.safetensors",
        "model.safetensors.index.json",
    ]
    assert json.loads((path / "model.safetensors.index.json").read_text()) == {
        "metadata": {"total_size": 22},
        "weight_map": {
            "a": "model-00001-of-00003.safetensors",
            "b": "model-00002-of-00003.safetensors",
            "c": "model-00002-of-00003.safetensors",
            "d": "model-00003-of-00003.safetensors",
        },
    }
    again = BUNDLE.read(path)
    assert {name: one.read().tolist() for name, one in again.tensors.items()} == {
        "a": [1] * 6,
        "b": [1] * 6,
        "c": [1] * 2,
        "d": [1.0] * 2,
    }


def test_fewer_shards_leave_no_old_ones(tmp_path, tensor, checkpoint):
    one = checkpoint(tensor("a", np.ones(6, "u1")), tensor("b", np.ones(6, "u1")))
    path = tmp_path / "net"
    BUNDLE.write(one, path, WriteOptions(shard_size=6))
    BUNDLE.write(one, path, WriteOptions())
    names = {found.name for found in path.iterdir()}
    assert names == {"README.md", "config.json", "kport.json", "model.safetensors"}
