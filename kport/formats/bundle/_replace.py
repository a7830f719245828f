"""Put another model in the place of one part of a split bundle; the rest is not written again.

All files of the bundle but the part's, the manifest, the config and the card are hard links to
the old ones in a new directory, which takes the place of the old one in one step. A file system
without hard links gets copies.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from kport.checkpoint import Checkpoint, joined, part_of, split_off, with_part
from kport.errors import SaveError, UsageError, mapped
from kport.formats._atomic import replace_directory
from kport.formats._format import WriteOptions
from kport.formats._json import dump_json
from kport.formats.bundle import _layout as layout
from kport.formats.bundle._card import render_card
from kport.formats.bundle._manifest import Manifest, render_manifest
from kport.formats.bundle._read import (
    part_problems,
    read_manifest,
    read_parts,
    read_rest,
)
from kport.formats.bundle._write import check_target, put_file, put_part

__all__ = ["replace_part"]


def replace_part(checkpoint: Checkpoint, path: Path, name: str, options: WriteOptions) -> None:
    """Write a Checkpoint in the place of one part of the bundle at a path, whole or not at all.

    The sample goes, for its outputs were those of the old part; so does the state of an optimizer
    that has slots for parameters which the new part has not.

    Raises:
        UsageError: The bundle has no such part, or the new one cannot stand there.
        MismatchError: It disagrees with the rest about a shared variable.
        SaveError: The target cannot be written; it is as it was before.
    """
    with mapped(SaveError, "cannot be written", path=path):
        target = path.resolve() if path.is_symlink() else path
        check_target(target)
        manifest = read_manifest(target)[1]
        rest = read_rest(target, manifest)
        name = name.replace("/", ".")
        if name not in manifest.parts:
            raise UsageError(
                f"has no part {name!r} in a bundle of its own",
                remedy=f"Split off: {', '.join(manifest.parts) or 'none'}. "
                "kport.save(model, path, split=[...]) splits parts off.",
            )
        others = {one: entry for one, entry in manifest.parts.items() if one != name}
        # The old part need not be whole: somebody may have changed it and come here to mend that.
        old = {} if any(part_problems(target, name, manifest.parts[name])) else manifest.parts
        whole = with_part(joined(rest, read_parts(target, {**others, **old})), name, checkpoint)
        left = split_off(whole, manifest.parts)[""]
        with replace_directory(target) as folder:
            manifest = _kept(manifest, left)
            for file in _files(target, manifest, others):
                _link(target / file, folder / file)
            entry = put_part(folder, name, part_of(whole, name), options)
            config = put_file(folder, layout.CONFIG, dump_json(whole.spec.config))
            manifest = replace(
                manifest,
                spec=whole.spec.to_json(),
                files={**manifest.files, layout.CONFIG: config},
                parts={**manifest.parts, name: entry},
            )
            put_file(folder, layout.CARD, render_card(whole))
            put_file(folder, layout.MANIFEST, render_manifest(manifest))


def _kept(manifest: Manifest, left: Checkpoint) -> Manifest:
    """The manifest without the sample, and without tensors that are no longer there."""
    tensors = {name: one for name, one in manifest.tensors.items() if name in left.tensors}
    gone = {one.file for one in manifest.tensors.values()} - {one.file for one in tensors.values()}
    gone |= {layout.SAMPLE, layout.CONFIG}
    files = {file: entry for file, entry in manifest.files.items() if file not in gone}
    assets = {name: one for name, one in manifest.assets.items() if name in left.assets}
    return replace(manifest, tensors=tensors, files=files, assets=assets, sample={})


def _files(root: Path, manifest: Manifest, others: Iterable[str]) -> Iterator[str]:
    yield from manifest.files
    yield from (asset.file for asset in manifest.assets.values())
    for name in others:
        for file in (root / layout.part_folder(name)).rglob("*"):
            if file.is_file() and not file.is_symlink():
                yield file.relative_to(root).as_posix()


def _link(old: Path, new: Path) -> None:
    new.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(old, new)
    except OSError:
        shutil.copyfile(old, new)
