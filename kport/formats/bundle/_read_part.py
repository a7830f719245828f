"""Read one model out of a bundle without a look at the others.

A part that was split off is read in its own place. Any other costs its own entries of manifest and
header, and the parsing of the JSON that they stand in.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kport.checkpoint import JSON, Checkpoint, around_part, model_around, part_of
from kport.errors import UnreadableError, mapped
from kport.formats._json import parse_json
from kport.formats.bundle._layout import MANIFEST, part_folder
from kport.formats.bundle._manifest import parse_manifest
from kport.formats.bundle._read import manifest_bytes, read_bundle, read_rest, require_parts

__all__ = ["read_part"]


def read_part(path: Path, part: str) -> tuple[Checkpoint, str]:
    """Return what `around_part` gives of the bundle.

    Raises:
        KportError: See `read_bundle`; what lies beside the part may be damaged.
    """
    part = part.replace("/", ".")
    with mapped(UnreadableError, "cannot be read", path=path):
        data = parse_json(manifest_bytes(path), MANIFEST)
        split = model_around(_table(data, "parts"), part)
        if split:
            entry = parse_manifest(_beside(data, split)).parts[split]
            require_parts(path, {split: entry})
            inside = part.removeprefix(split).removeprefix(".")
            return read_part(path / part_folder(split), inside)
        models = _table(data, "spec", "parts")
        model = model_around(models, part)
        if not model or _table(data, "parts"):
            return around_part(read_bundle(path), part)
        manifest = parse_manifest(_beside(data, model))
        whole = read_rest(path, manifest, _table(models, model, "config"))
        return part_of(whole, model), part.removeprefix(model).removeprefix(".")


def _beside(data: JSON, model: str) -> JSON:
    """Return a manifest without the tensors and assets that a model inside has no part in."""
    start = f"{model}."
    ties = _table(data, "spec", "ties")
    shared = {str(first) for second, first in ties.items() if second.startswith(start)}
    kept = {
        key: {
            name: one
            for name, one in _table(data, key).items()
            if name.startswith(start) or name in shared
        }
        for key in ("tensors", "assets")
    }
    return {**data, **kept, "sample": {}}


def _table(data: Any, *keys: str) -> JSON:
    """Return an object inside of JSON that nobody has looked at yet; empty where there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}
