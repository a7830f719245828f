"""The files of a bundle on a web server, which tells no folder from a file and lists none.

Its manifest does. The sizes are claims, as all of a manifest: they make the pictures, and what the
server sends is held against them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from kport.errors import CorruptFileError
from kport.formats._json import MAX_JSON_BYTES, parse_json
from kport.formats.bundle._layout import MANIFEST, part_folder
from kport.formats.bundle._manifest import parse_manifest

__all__ = ["files_of_bundle", "is_web"]

_MAX_DEPTH = 20  # parts in parts


def is_web(root: str) -> bool:
    """Say whether a path of fsspec is that of a web server."""
    return root.startswith(("http://", "https://"))


def files_of_bundle(system: Any, root: str) -> dict[str, tuple[str, int]]:
    """Return path in the bundle -> URL and size of all its files; empty where no bundle is.

    Raises:
        CorruptFileError: Its manifest is damaged.
        UnsafeFileError: A path in it leads out of the bundle.
    """
    if not system.exists(_url(root, MANIFEST)):
        return {}
    return {name: (_url(root, name), size) for name, size in _files(system, root, "", 0)}


def _files(system: Any, root: str, below: str, depth: int) -> Iterator[tuple[str, int]]:
    place = f"{below}{MANIFEST}"
    if depth > _MAX_DEPTH:
        raise CorruptFileError(f"has parts in parts beyond reason at {place}")
    with system.open(_url(root, place), block_size=0) as file:
        raw = file.read(MAX_JSON_BYTES + 1)
    manifest = parse_manifest(parse_json(raw, place))
    yield place, len(raw)
    for name, entry in manifest.files.items():
        yield f"{below}{name}", entry.size
    for asset in manifest.assets.values():
        yield f"{below}{asset.file}", asset.size
    for part in manifest.parts:
        yield from _files(system, root, f"{below}{part_folder(part)}/", depth + 1)


def _url(root: str, name: str) -> str:
    return f"{root.rstrip('/')}/{quote(name)}"
