"""Hold a bundle against its checksums: every file but the model card, which people edit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from pathlib import Path

from kport.errors import Problem, UnreadableError, mapped
from kport.formats._integrity import Integrity, sha256_of, tensor_damages
from kport.formats._json import shown
from kport.formats.bundle._layout import MANIFEST, part_folder
from kport.formats.bundle._manifest import FileEntry, Manifest, manifest_is_whole
from kport.formats.bundle._read import part_problems, read_manifest, read_rest

__all__ = ["check_bundle"]


def check_bundle(path: Path) -> Integrity:
    """Read every byte of a bundle and say what is not as it was written.

    Raises:
        KportError: See `read_bundle`: it cannot even be read.
    """
    with mapped(UnreadableError, "cannot be read", path=path):
        raw, manifest = read_manifest(path)
        checkpoint = read_rest(path, manifest)
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
        whole = Integrity(1 + len(dict(_hashes(manifest))), sums, tuple(problems))
        parts = [_check_part(path, name, entry) for name, entry in manifest.parts.items()]
        return reduce(Integrity.plus, parts, whole)


def _check_part(path: Path, name: str, entry: FileEntry) -> Integrity:
    problems = tuple(part_problems(path, name, entry))
    if problems and problems[0].kind != "hash":
        return Integrity(0, 0, problems)
    inside = check_bundle(path / part_folder(name))
    found = (replace(one, place=f"part {shown(name)}: {one.place}") for one in inside.problems)
    return replace(inside, problems=(*problems, *found))


def _hashes(manifest: Manifest) -> Iterator[tuple[str, str]]:
    for file, entry in manifest.files.items():
        yield file, entry.sha256
    for asset in manifest.assets.values():
        yield asset.file, asset.sha256


def _file(manifest: Manifest, name: str) -> str:
    return manifest.tensors[name].file
