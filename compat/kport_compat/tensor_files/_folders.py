"""Which safetensors files belong together.

::

    model.safetensors                             or any other single file, alone or in a folder
    model-0000X-of-000NN.safetensors              with model.safetensors.index.json
    shard-0000R-model-0000X-of-000NN.safetensors  of torch.distributed.checkpoint, each with parts
    sharded/                                      of tensors; or in this folder

Source: huggingface_hub, ``serialization/_base.py``, and ``HuggingFaceStorageWriter`` of PyTorch
2.13, ``torch/distributed/checkpoint/hf_storage.py`` and ``_hf_utils.py``.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Mapping
from pathlib import Path

from kport.errors import CorruptFileError, Problem, UnsafeFileError
from kport.formats._json import MAX_JSON_BYTES, parse_json, shown
from kport.formats.bundle._layout import MANIFEST, is_inside, status_of
from kport.formats.safetensors import MAX_READ_BYTES, SafetensorsFile, read_file

__all__ = ["files_of", "is_tensor_file"]

_SUFFIX = ".safetensors"
_INDEX = ".safetensors.index.json"
_SHARD = re.compile(r"shard-(\d+)-model-\d+-of-\d+\.safetensors")
_SHARDED = "sharded"
_MAX_FILES = 100_000


def is_tensor_file(path: Path) -> bool:
    """Say by its first bytes whether a file is a safetensors file; never raises."""
    try:
        with path.open("rb") as file:
            head, size = file.read(9), path.stat().st_size
    except (OSError, ValueError):
        return False
    if len(head) < 9 or head[8:] != b"{":
        return False
    length: int = struct.unpack("<Q", head[:8])[0]
    return 1 < length <= min(size - 8, MAX_READ_BYTES)


def files_of(path: Path) -> dict[str, SafetensorsFile] | None:
    """Return the files at a path, their headers read; None where there are none.

    Raises:
        CorruptFileError: One is missing or damaged.
        UnsafeFileError: A link leads elsewhere.
    """
    if path.is_file():
        return {path.name: read_file(path)} if is_tensor_file(path) else None
    if not path.is_dir() or os.path.lexists(path / MANIFEST):
        return None
    names = _names(path)
    if not names and (path / _SHARDED).is_dir():
        return files_of(path / _SHARDED)
    return {name: _opened(path, name) for name in names} or None


def _names(folder: Path) -> list[str]:
    there = sorted(one.name for one in folder.iterdir())
    indexes = [name for name in there if name.endswith(_INDEX)]
    if len(indexes) == 1:
        return _indexed(folder, indexes[0])
    names = [name for name in there if name.endswith(_SUFFIX)]
    shards = sorted({int(found[1]) for name in names if (found := _SHARD.fullmatch(name))})
    if shards and shards != list(range(1, len(shards) + 1)):
        raise CorruptFileError(f"has the shards {shards[:20]} and none between")
    return names[:_MAX_FILES]


def _indexed(folder: Path, index: str) -> list[str]:
    with (folder / index).open("rb") as file:
        said = parse_json(file.read(MAX_JSON_BYTES + 1), index)
    files = said.get("weight_map") if isinstance(said, Mapping) else None
    if not isinstance(files, Mapping) or not all(isinstance(one, str) for one in files.values()):
        raise CorruptFileError(f"{index} has no weight_map of names and files")
    return sorted(set(files.values()))


def _opened(folder: Path, name: str) -> SafetensorsFile:
    status = status_of(folder, name) if is_inside(name) else "leads out of the directory"
    if isinstance(status, str):
        error = CorruptFileError if status == "is missing" else UnsafeFileError
        raise error("is not whole", problems=[Problem(shown(name), status)])
    return read_file(folder / name)
