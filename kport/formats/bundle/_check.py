"""Hold a bundle against its digests: every file but the model card, which people edit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from pathlib import Path

from kport.checkpoint import Checkpoint, digest, digest_of
from kport.errors import Problem, UnreadableError, mapped
from kport.formats._integrity import Integrity, tensor_damages
from kport.formats._json import shown
from kport.formats._mapped import MappedFile
from kport.formats.bundle._layout import MANIFEST, part_folder
from kport.formats.bundle._manifest import FileEntry, Manifest, manifest_is_whole
from kport.formats.bundle._read import part_problems, read_manifest, read_rest
from kport.formats.safetensors import read_file

__all__ = ["check_bundle"]


def check_bundle(path: Path) -> Integrity:
    """Read every byte of a bundle and say what is not as it was written.

    Raises:
        KportError: See `read_bundle`: it cannot even be read.
    """
    with mapped(UnreadableError, "cannot be read", path=path):
        raw, manifest = read_manifest(path)
        checkpoint = read_rest(path, manifest)
        problems = list(_damages(path, manifest, checkpoint))
        if not manifest_is_whole(raw):
            problems.insert(0, Problem(MANIFEST, "was changed after it was written"))
        files = 1 + len(manifest.files) + len(manifest.assets)
        whole = Integrity(files, len(checkpoint.tensors), tuple(problems))
        parts = [_check_part(path, name, entry) for name, entry in manifest.parts.items()]
        return reduce(Integrity.plus, parts, whole)


def _check_part(path: Path, name: str, entry: FileEntry) -> Integrity:
    problems = tuple(part_problems(path, name, entry))
    if problems and problems[0].kind != "hash":
        return Integrity(0, 0, problems)
    inside = check_bundle(path / part_folder(name))
    found = (replace(one, place=f"part {shown(name)}: {one.place}") for one in inside.problems)
    return replace(inside, problems=(*problems, *found))


def _damages(path: Path, manifest: Manifest, checkpoint: Checkpoint) -> Iterator[Problem]:
    """Yield what differs from its digest: files, tensors and the arrays of the sample."""
    files = {file: entry.blake3 for file, entry in manifest.files.items()}
    files |= {asset.file: asset.blake3 for asset in manifest.assets.values()}
    for file, expected in sorted(files.items()):
        if _digest_of_file(path / file) != expected:
            yield Problem(shown(file), _DIFFERS)
    yield from tensor_damages(checkpoint.tensors.values())
    arrays = checkpoint.sample.arrays() if checkpoint.sample is not None else {}
    for name, values in arrays.items():
        if digest_of(values) != manifest.sample[name].blake3:
            yield Problem(f"sample[{shown(name)}]", _DIFFERS)


_DIFFERS = f"differs from its BLAKE3 in {MANIFEST}"


def _digest_of_file(path: Path) -> str:
    if path.suffix == ".safetensors":
        stored = read_file(path)
        return digest(stored.file.view(0, stored.data).data)
    return digest(MappedFile(path).bytes.data)
