"""Give layers the files that belong to them, such as vocabularies."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import keras

from kport.checkpoint import Asset, Checkpoint, Naming
from kport.errors import LoadError, Problem, UnsafeFileError, mapped
from kport.model._keras_paths import keras_owners
from kport.model._walk import Walk

__all__ = ["assets_below", "load_assets"]


def assets_below(checkpoint: Checkpoint, path: str) -> Checkpoint:
    """Return the Checkpoint with the files of one layer and its parts alone."""
    starts = (f"{path}.", f"{path}/")
    kept = {name: one for name, one in checkpoint.assets.items() if name.startswith(starts)}
    return replace(checkpoint, assets=kept)


def load_assets(checkpoint: Checkpoint, model: keras.Model, found: Walk) -> None:
    """Let each layer that keeps files read its own, each batch of them in a temporary folder.

    Raises:
        LoadError: A file belongs to no layer, or a layer cannot read it.
        UnsafeFileError: A name leads out of the folder.
    """
    if not checkpoint.assets:
        return
    by_attribute = {owner.path: owner.thing for owner in found.owners}
    by_keras = {owner.path: owner.thing for owner in keras_owners(model)}
    things = by_attribute if checkpoint.naming is Naming.ATTRIBUTE else by_keras
    files: dict[str, dict[str, Asset]] = {}
    homeless = []
    for name, asset in checkpoint.assets.items():
        owners = [path for path in things if name.startswith(f"{path}/")]
        path = max(owners, key=len, default="")
        if hasattr(things.get(path), "load_assets"):
            files.setdefault(path, {})[name.removeprefix(f"{path}/")] = asset
        else:
            homeless.append(Problem(name, "is in the file; no layer takes it", "unexpected"))
    if homeless:
        raise LoadError("assets of the file have no place in the model", problems=homeless)
    for path, assets in files.items():
        _load_files(things[path], path, assets)


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
