"""Which folder is an Orbax checkpoint, and what its small files say.

::

    DIRECTORY/                       of the callback
      STEP/                          a number; a save that did not end has another name
        _CHECKPOINT_METADATA         names the items
        pytree/                      the values: see `_arrays`
        model_config/_strings.json   {"config": the JSON of the model}; not with save_weights_only
        assets/                      vocabularies and their like, as arrays of bytes

Source: ``keras/src/callbacks/orbax_checkpoint.py`` (Keras 3.15.1), and what orbax-checkpoint 0.12.8
wrote for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kport.errors import CorruptFileError, UnsafeFileError
from kport.formats._json import MAX_JSON_BYTES, parse_json, shown

__all__ = ["Tree", "config_of", "find_step", "tree_of"]

_MARK = "_CHECKPOINT_METADATA"
_TREE = "_METADATA"
_STRINGS = "_strings.json"


@dataclass(frozen=True, slots=True)
class Tree:
    """What an item holds.

    Arguments:
        folder: Where.
        keys: The path of each array.
        chunked_as: ``zarr`` or ``zarr3``.
        together: Whether all arrays lie in one OCDBT database.
    """

    folder: Path
    keys: tuple[tuple[str, ...], ...]
    chunked_as: str
    together: bool


def find_step(path: Path) -> Path | None:
    """Return the folder of a step: the path itself, or the last step in it; None if it has none."""
    if _is_step(path):
        return path
    try:
        steps = [one for one in path.iterdir() if one.name.isdecimal() and _is_step(one)]
    except OSError:
        return None
    return max(steps, key=lambda one: int(one.name), default=None)


def _is_step(path: Path) -> bool:
    try:
        return (path / _MARK).is_file() and (path / "pytree" / _TREE).is_file()
    except (OSError, ValueError):
        return False


def tree_of(item: Path) -> Tree | None:
    """Return what an item of a step holds; None where the step has no such item.

    Raises:
        CorruptFileError: Its description is damaged.
        UnsafeFileError: A link is in it.
    """
    if not (item / _TREE).is_file():
        return None
    _refuse_links(item)
    said = _json(item / _TREE)
    rows = said.get("tree_metadata")
    if not isinstance(rows, dict):
        raise CorruptFileError(f"{_TREE} lists no tree_metadata", path=item)
    chunked_as = "zarr3" if said.get("use_zarr3") else "zarr"
    keys = tuple(_keys(name, row, item) for name, row in sorted(rows.items()) if not _empty(row))
    return Tree(item, keys, chunked_as, bool(said.get("use_ocdbt", True)))


def _empty(row: Any) -> bool:
    """Whether it stands for a dict without arrays, of which nothing is stored."""
    said = row.get("value_metadata") if isinstance(row, dict) else None
    return isinstance(said, dict) and said.get("skip_deserialize") is True


def _keys(name: str, row: Any, item: Path) -> tuple[str, ...]:
    found = row.get("key_metadata") if isinstance(row, dict) else None
    given = [one.get("key") if isinstance(one, dict) else None for one in found or ()]
    keys = [key for key in given if isinstance(key, str) and key]
    if not keys or len(keys) < len(given):
        raise CorruptFileError(f"{_TREE} names no keys for {shown(name)}", path=item)
    if any({"/", "\\", "\0"} & set(key) or key in {".", ".."} for key in keys):
        raise UnsafeFileError(f"{_TREE} has a key that leads elsewhere: {shown(name)}", path=item)
    return tuple(keys)


def config_of(step: Path) -> Any:
    """Return the config of the model; None where the weights alone were saved.

    Raises:
        CorruptFileError: It is damaged.
    """
    place = step / "model_config" / _STRINGS
    if not place.is_file():
        return None
    text = _json(place).get("config")
    if not isinstance(text, str):
        raise CorruptFileError(f"{_STRINGS} has no text of a config", path=place)
    return parse_json(text.encode(), "the config of the model")


def _json(path: Path) -> Mapping[str, Any]:
    if path.is_symlink():
        raise UnsafeFileError("is a symbolic link", path=path)
    with path.open("rb") as file:
        found = parse_json(file.read(MAX_JSON_BYTES + 1), path.name)
    if not isinstance(found, dict):
        raise CorruptFileError("is no JSON object", path=path)
    return found


def _refuse_links(folder: Path) -> None:
    for one in folder.rglob("*"):
        if one.is_symlink():
            raise UnsafeFileError("is a symbolic link", path=one)
