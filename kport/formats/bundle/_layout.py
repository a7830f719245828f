"""The names inside a bundle, and which of them a file may ask for."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from urllib.parse import quote

from kport.checkpoint import Kind

__all__ = [
    "ASSETS",
    "CARD",
    "CONFIG",
    "FORMAT",
    "INDEX",
    "MANIFEST",
    "METADATA",
    "PARTS",
    "SAMPLE",
    "STORES",
    "VERSION",
    "asset_file",
    "is_inside",
    "is_ours",
    "looks_like_bundle",
    "model_file",
    "part_folder",
    "status_of",
]

FORMAT = "kport-bundle"
"""The word by which a manifest is known."""
VERSION = 1
"""The version of the layout; a higher one may mean things that this reader does not know."""

MANIFEST = "kport.json"
CONFIG = "config.json"
CARD = "README.md"
ASSETS = "assets"
PARTS = "parts"
SAMPLE = "sample.safetensors"
INDEX = "model.safetensors.index.json"
METADATA = {"format": "pt"}  # what transformers asks for before it reads a file

STORES: dict[str, tuple[Kind, ...]] = {
    "model": (Kind.PARAMETER, Kind.STATE),
    "optimizer": (Kind.OPTIMIZER,),
    "state": (Kind.SEED, Kind.METRIC),
}
"""File of weights -> the kinds in it; `Kind.DERIVED` is in none, the others say it already."""

# What Windows takes for a device, with any suffix; a dot at the end of a name it drops.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_HEAD = re.compile(rb'\s*\{\s*"format"\s*:\s*"%b"' % FORMAT.encode())
_IS_LINK = "is a symbolic link"
_HEAD_BYTES = 256  # the format's word comes first; white space before it is a person's
_OWN = re.compile(
    r"config\.json|kport\.json|README\.md|assets|parts|model\.safetensors\.index\.json"
    r"|(model(-\d{5,}-of-\d{5,})?|optimizer|state|sample)\.safetensors"
)


def model_file(number: int = 1, count: int = 1) -> str:
    """Return the name of one file of the model's weights, counted from 1.

    Example:
        >>> model_file(), model_file(2, 3)
        ('model.safetensors', 'model-00002-of-00003.safetensors')
    """
    return f"model-{number:05d}-of-{count:05d}.safetensors" if count > 1 else "model.safetensors"


def is_ours(name: str) -> bool:
    """Say whether a name directly in the directory is one that a bundle is made of."""
    return _OWN.fullmatch(name) is not None


def asset_file(name: str) -> str:
    """Return the place of an asset in the bundle; different names have different places.

    Each segment is percent-encoded, the dots of ``.`` and ``..`` too, so none leads elsewhere.

    Raises:
        ValueError: The name has an empty segment.

    Example:
        >>> asset_file("encoder.lookup/../vocabulary é.txt")
        'assets/encoder.lookup/%2E%2E/vocabulary%20%C3%A9.txt'
    """
    segments = name.split("/")
    if "" in segments:
        raise ValueError(f"{name!r} has an empty segment")
    return "/".join((ASSETS, *map(_encode, segments)))


def part_folder(name: str) -> str:
    """Return the place of a part, a bundle of its own, in the bundle.

    Example:
        >>> part_folder("encoder.text")
        'parts/encoder.text'
    """
    return f"{PARTS}/{_encode(name)}"


def _encode(segment: str) -> str:
    if segment in {".", ".."}:
        return segment.replace(".", "%2E")
    text = quote(segment, safe="").replace("~", "%7E")
    if _DEVICE.fullmatch(text):
        text = f"%{ord(text[0]):02X}{text[1:]}"
    return f"{text[:-1]}%2E" if text.endswith(".") else text


def is_inside(file: str) -> bool:
    """Say whether a relative path, as a manifest gives it, stays in the bundle on any system."""
    parts = file.split("/")
    return not (
        any(part in {"", ".", ".."} for part in parts)
        or any(sign in file for sign in "\\:\0")  # separators and drives of Windows
    )


def status_of(root: Path, file: str) -> os.stat_result | str:
    """Return the status of a file of the bundle, or why it must not be opened.

    No link is followed, on any step of the way: it could lead out of the bundle. Only the cache of
    the Hugging Face Hub is made of links, see `_blob`.
    """
    place, parts = root, file.split("/")
    try:
        for part in parts[:-1]:
            place /= part
            if place.is_symlink():
                return _IS_LINK
        place = _blob(place / parts[-1])
        status = place.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return "is missing"
    if stat.S_ISLNK(status.st_mode):
        return _IS_LINK
    return status if stat.S_ISREG(status.st_mode) else "is no regular file"


def _blob(place: Path) -> Path:
    """Return what a link in a snapshot of the Hub leads to: a blob of the same repository.

    Layout (https://huggingface.co/docs/huggingface_hub/guides/manage-cache): in the folder of a
    repository, ``snapshots/REVISION/PATH`` is a link to a file directly in ``blobs``. Any other
    link is returned as it is.
    """
    if not place.is_symlink():
        return place
    folder = place.parent.resolve()
    target = Path(os.path.normpath(folder / place.readlink()))
    revisions = (one for one in (folder, *folder.parents) if one.parent.name == "snapshots")
    blobs = {one.parent.parent / "blobs" for one in revisions}
    return target if target.parent in blobs and not target.parent.is_symlink() else place


def looks_like_bundle(root: Path) -> bool:
    """Say by the first bytes of its manifest whether a directory is a bundle; never raises."""
    try:
        status = status_of(root, MANIFEST)
        if isinstance(status, str):  # a link is claimed, to be refused; a pipe would block
            return status == _IS_LINK
        with (root / MANIFEST).open("rb") as file:
            return _HEAD.match(file.read(_HEAD_BYTES)) is not None
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return False
