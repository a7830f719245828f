"""Which tensor goes into which file of weights: the Hugging Face rule.

The tensors are taken in the order given. One larger than the limit gets a file of its own at
once; another one that would carry the open file over the limit closes it and opens the next.

Source: ``split_state_dict_into_shards_factory`` of huggingface_hub, ``serialization/_base.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kport.checkpoint import LazyTensor
from kport.formats.bundle._layout import model_file

__all__ = ["index_of", "plan_shards"]


def plan_shards(tensors: Sequence[LazyTensor], shard_size: int) -> dict[str, list[LazyTensor]]:
    """Return file name -> tensors; one file has no number in its name, no tensors no file.

    Arguments:
        tensors: In the order of their names.
        shard_size: The most bytes of values in one file.
    """
    shards: list[list[LazyTensor]] = []
    current: list[LazyTensor] = []
    size = 0
    for tensor in tensors:
        nbytes = tensor.nbytes
        if nbytes > shard_size:
            shards.append([tensor])
            continue
        if size + nbytes > shard_size:
            shards.append(current)
            current, size = [], 0
        current.append(tensor)
        size += nbytes
    if current:
        shards.append(current)
    count = len(shards)
    return {model_file(number, count): shard for number, shard in enumerate(shards, start=1)}


def index_of(shards: dict[str, list[LazyTensor]]) -> dict[str, Any]:
    """Return the index that tells other tools which shard holds a tensor."""
    return {
        "metadata": {"total_size": sum(one.nbytes for shard in shards.values() for one in shard)},
        "weight_map": {one.name: file for file, shard in shards.items() for one in shard},
    }
