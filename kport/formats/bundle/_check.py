"""Hold a bundle against its checksums: every file but the model card, which people edit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kport.errors import Problem, UnreadableError, mapped
from kport.formats._integrity import Integrity, sha256_of, tensor_damages
from kport.formats._json import shown
from kport.formats.bundle._layout import MANIFEST
from kport.formats.bundle._manifest import Manifest, manifest_is_whole
from kport.formats.bundle._read import read_checked, read_manifest

__all__ = ["check_bundle"]


def check_bundle(path: Path) -> Integrity:
    """Read every byte of a bundle and say what is not as it was written.

    Raises:
        KportError: See `read_bundle`: it cannot even be read.
    """
    with mapped(UnreadableError, "cannot be read", path=path):
        raw, manifest = read_manifest(path)
        checkpoint = read_checked(path, manifest)
        problems: list[Problem] = []
        if not manifest_is_whole(raw):
            problems.append(Problem(MANIFEST, "was changed after it was written"))
        for file, sha256 in sorted(_hashes(manifest)):
            if sha256_of(path / file) == sha256:
                continue
            inside = [
                one for name, one in checkpoint.tensors.items() if _file(manifest, name) == file
            ]
            where = list(tensor_damages(inside))
            problems += where or [Problem(shown(file), "differs from its SHA-256 in " + MANIFEST)]
        sums = sum(one.crc32 is not None for one in checkpoint.tensors.values())
        return Integrity(1 + len(dict(_hashes(manifest))), sums, tuple(problems))


def _hashes(manifest: Manifest) -> Iterator[tuple[str, str]]:
    for file, entry in manifest.files.items():
        yield file, entry.sha256
    for asset in manifest.assets.values():
        yield asset.file, asset.sha256


def _file(manifest: Manifest, name: str) -> str:
    return manifest.tensors[name].file
