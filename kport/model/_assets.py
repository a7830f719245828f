"""Files that belong to layers: what their `save_assets` writes, and vocabularies as they are.

Keras writes a vocabulary as lines, which splits a term with a line break in two, and leaves out
the weights of TF-IDF, without which it does not load. So a lookup has a JSON file beside it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import keras
import numpy as np

from kport.checkpoint import Asset, Checkpoint, Naming
from kport.errors import LoadError, Problem, UnsafeFileError, mapped
from kport.model._keras_paths import KERAS_2, KERAS_3, KerasOwner, keras_owners
from kport.model._walk import Walk

__all__ = ["assets_below", "assets_of", "load_assets"]

_VOCABULARY = "vocabulary.json"
Homes = dict[str, tuple[Any, dict[str, Asset]]]


def assets_of(found: Walk, owners: list[KerasOwner]) -> Iterator[Asset]:
    """Yield every file that a layer of a model needs beside its variables."""
    names = {id(owner.thing): owner.path for owner in found.owners}
    for owner in owners:
        if not hasattr(owner.thing, "save_assets"):
            continue
        for relative, content in _files_of(owner.thing).items():
            name = f"{names.get(id(owner.thing), owner.path)}/{relative}"
            keras_path = f"{owner.path}/{relative}".lstrip("/")
            yield Asset(name, len(content), partial(bytes, content), keras_path)


def _files_of(thing: Any) -> Mapping[str, bytes]:
    words = _is_lookup(thing) or isinstance(thing, keras.layers.TextVectorization)
    if words and not thing.get_vocabulary(include_special_tokens=False):
        return {}  # it has learned nothing yet, and does not load an empty vocabulary
    with tempfile.TemporaryDirectory() as folder:
        thing.save_assets(folder)
        files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
        found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    return {**found, _VOCABULARY: _vocabulary(thing)} if found and _is_lookup(thing) else found


def _is_lookup(thing: Any) -> bool:
    return isinstance(thing, (keras.layers.IntegerLookup, keras.layers.StringLookup))


def _vocabulary(lookup: Any) -> bytes:
    tokens = [
        int(one) if isinstance(one, (int, np.integer)) else str(one)
        for one in lookup.get_vocabulary(include_special_tokens=True)
    ]
    content: dict[str, Any] = {"tokens": tokens}
    if lookup.output_mode == "tf_idf":
        content["idf_weights"] = lookup.idf_weights.numpy()[: len(tokens)].tolist()
    return json.dumps(content, ensure_ascii=False).encode()


def assets_below(checkpoint: Checkpoint, path: str) -> Checkpoint:
    """Return the Checkpoint with the files of one layer and its parts alone."""
    starts = (f"{path}.", f"{path}/")
    kept = {name: one for name, one in checkpoint.assets.items() if name.startswith(starts)}
    return replace(checkpoint, assets=kept)


def load_assets(checkpoint: Checkpoint, model: keras.Model, found: Walk) -> None:
    """Give layers the files that belong to them.

    Raises:
        LoadError: A layer does not take its files, or there is no such layer.
        UnsafeFileError: The name of a file leaves its folder.
    """
    if not checkpoint.assets:
        return
    found_homes = [_homes(checkpoint, things) for things in _things(checkpoint, model, found)]
    homes, homeless = min(found_homes, key=lambda one: len(one[1]))
    if homeless:
        problems = [
            Problem(name, "is in the file; no layer takes it", "unexpected") for name in homeless
        ]
        raise LoadError("assets of the file have no place in the model", problems=problems)
    for other, left in found_homes:
        if not left and _owners(other) != _owners(homes):
            raise LoadError("its assets fit the model in two ways, by the orders of two Keras 2")
    for path, (thing, assets) in homes.items():
        if _is_lookup(thing) and _VOCABULARY in assets:
            _set_vocabulary(thing, path, assets[_VOCABULARY])
        elif _VOCABULARY not in homes.get(f"{path}.lookup_layer", (None, {}))[1]:
            _load_files(thing, path, assets)


def _things(checkpoint: Checkpoint, model: keras.Model, found: Walk) -> Iterator[dict[str, Any]]:
    """Yield path -> owner, once for each way in which a writer of the file may have gone."""
    if checkpoint.naming is Naming.ATTRIBUTE:
        yield {owner.path: owner.thing for owner in found.owners}
        return
    for manner in KERAS_2 if checkpoint.naming is Naming.KERAS_2 else (KERAS_3,):
        yield {owner.path: owner.thing for owner in keras_owners(model, manner)}


def _homes(checkpoint: Checkpoint, things: Mapping[str, Any]) -> tuple[Homes, list[str]]:
    """Return path -> owner and its files by name, and the files that have no owner."""
    homes: Homes = {}
    homeless = []
    for name, asset in checkpoint.assets.items():
        owners = [path for path in things if name.startswith(f"{path}/")]
        path = max(owners, key=len, default="")
        thing = things.get(path)
        if hasattr(thing, "load_assets"):
            homes.setdefault(path, (thing, {}))[1][name.removeprefix(f"{path}/")] = asset
        else:
            homeless.append(name)
    return homes, homeless


def _owners(homes: Homes) -> set[tuple[int, str]]:
    return {(id(thing), one.name) for thing, assets in homes.values() for one in assets.values()}


def _set_vocabulary(lookup: Any, path: str, asset: Asset) -> None:
    with mapped(LoadError, f"the vocabulary of {path!r} cannot be set"):
        content = json.loads(asset.read())
        weights = content.get("idf_weights")
        # NumPy decides by the longest term how wide all are; a list of str stays one.
        lookup.set_vocabulary(content["tokens"], *([] if weights is None else [weights]))


def _load_files(thing: Any, path: str, assets: Mapping[str, Asset]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, asset in assets.items():
            relative = PurePosixPath(name)
            if relative.is_absolute() or ".." in relative.parts:
                raise UnsafeFileError(f"the asset {path}/{name} leaves its folder")
            place = Path(folder, relative)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(asset.read())
        with mapped(LoadError, f"load_assets of {path!r} failed"):
            thing.load_assets(folder)
