"""Write a bundle: everything into a directory beside the target, which it then replaces.

Memory: one tensor or one asset at a time (see `kport.formats.safetensors`), and the JSON files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from kport.checkpoint import (
    Array,
    Asset,
    Checkpoint,
    Holds,
    Kind,
    LazyTensor,
    Naming,
    Sample,
    digest,
    dtype_name,
    split_off,
    validate_spec,
)
from kport.errors import Problem, SaveError, mapped
from kport.formats._atomic import replace_directory
from kport.formats._format import WriteOptions
from kport.formats._json import dump_json, shown
from kport.formats.bundle import _layout as layout
from kport.formats.bundle._card import render_card
from kport.formats.bundle._manifest import (
    AssetEntry,
    FileEntry,
    Manifest,
    SampleEntry,
    TensorEntry,
    render_manifest,
)
from kport.formats.bundle._shards import index_of, plan_shards
from kport.formats.safetensors import FileDigest, validate_tensors, write_file

__all__ = [
    "check_target",
    "fill",
    "plan_files",
    "put_file",
    "put_part",
    "target_of",
    "write_bundle",
]


def write_bundle(checkpoint: Checkpoint, path: Path, options: WriteOptions) -> None:
    """Write a Checkpoint as a bundle, whole or not at all.

    Raises:
        SaveError: The Checkpoint holds what a bundle cannot, with every reason; or the target
            holds something else, or cannot be written. The target is as it was before.
    """
    with (
        mapped(SaveError, "cannot be written", path=path),
        replace_directory(target_of(checkpoint, path)) as folder,
    ):
        fill(folder, checkpoint, options)


def target_of(checkpoint: Checkpoint, path: Path) -> Path:
    """Return the directory that a bundle of this Checkpoint may take the place of.

    Raises:
        SaveError: See `write_bundle`.
    """
    # A link stays one: what it leads to is replaced, not the link.
    target = path.resolve() if path.is_symlink() else path
    check_target(target)
    problems = list(_problems(checkpoint))
    if problems:
        raise SaveError("the model cannot be stored in a bundle", problems=problems)
    return target


def check_target(target: Path) -> None:
    """Refuse a target that holds something else than a bundle.

    Raises:
        SaveError: It would be lost.
    """
    if not target.exists():
        return
    if not target.is_dir():
        raise SaveError(
            "holds something else: a file, and a bundle is a directory", remedy=_ELSEWHERE
        )
    names = sorted(entry.name for entry in target.iterdir())
    foreign = [name for name in names if not layout.is_ours(name)]
    if names and not layout.looks_like_bundle(target):
        foreign = foreign or names
    if foreign:
        some = ", ".join(map(shown, foreign[:5])) + (", ..." if len(foreign) > 5 else "")
        raise SaveError(f"holds something else, which would be lost: {some}", remedy=_ELSEWHERE)


_ELSEWHERE = "Save to another path, or move away what is there."


def _problems(checkpoint: Checkpoint) -> Iterator[Problem]:
    weights = checkpoint.holds is Holds.WEIGHTS
    if checkpoint.naming is not (Naming.OBJECTS if weights else Naming.ATTRIBUTE):
        yield Problem(
            "naming",
            f"is by {checkpoint.naming.value}, and a bundle names tensors by attribute path; "
            "load the model and save that",
        )
    stored = [one for kinds in layout.STORES.values() for one in _of(checkpoint, kinds)]
    yield from validate_tensors(stored)
    yield from _sample_problems(checkpoint.sample)
    for name in checkpoint.assets:
        try:
            layout.asset_file(name)
        except ValueError as error:
            yield Problem(f"assets[{shown(name)}]", str(error))
    for key, value in checkpoint.provenance.items():
        if not isinstance(value, str):
            yield Problem(f"provenance[{shown(key)}]", f"is {value!r}, expected a string", "type")
    spec = checkpoint.spec
    yield from validate_spec(spec.to_json(), spec.config, weights=weights)


def _sample_problems(sample: Sample | None) -> Iterator[Problem]:
    known: list[LazyTensor] = []
    for name, array in _arrays(sample).items():
        try:
            known.append(_lazy(name, array))
        except KeyError:
            place = f"sample[{shown(name)}]"
            yield Problem(place, f"is {array.dtype}; safetensors has no such dtype", "dtype")
    yield from validate_tensors(known)


def fill(
    folder: Path,
    whole: Checkpoint,
    options: WriteOptions,
    written: Mapping[str, FileDigest] | None = None,
) -> None:
    """Write everything a bundle has into a new directory.

    Arguments:
        folder: The directory.
        whole: What to write.
        options: How.
        written: The digests of the files of `plan_files`, where those are there already.
    """
    parts = split_off(whole, options.split)
    checkpoint = parts.pop("")
    plan = plan_files(checkpoint, options.shard_size)
    digests = written or {
        file: write_file(folder / file, tensors, layout.METADATA) for file, tensors in plan.items()
    }
    files = {file: FileEntry(one.size, one.header) for file, one in digests.items()}
    sample = plan.pop(layout.SAMPLE, [])
    files[layout.CONFIG] = put_file(folder, layout.CONFIG, dump_json(checkpoint.spec.config))
    shards = {file: one for file, one in plan.items() if file.startswith("model-")}
    if shards:
        index = dump_json(index_of(shards), sort_keys=True)
        files[layout.INDEX] = put_file(folder, layout.INDEX, index)
    manifest = Manifest(
        spec=checkpoint.spec.to_json(),
        tensors={
            one.name: _entry(one, file, digests[file].tensors[one.name])
            for file in plan
            for one in plan[file]
        },
        assets={name: _put_asset(folder, asset) for name, asset in checkpoint.assets.items()},
        files=files,
        parts={name: put_part(folder, name, part, options) for name, part in parts.items()},
        sample={
            one.name: SampleEntry(one.dtype, one.shape, digests[layout.SAMPLE].tensors[one.name])
            for one in sample
        },
        provenance=checkpoint.provenance,
        holds=checkpoint.holds,
    )
    put_file(folder, layout.CARD, render_card(whole))
    put_file(folder, layout.MANIFEST, render_manifest(manifest))


def put_part(folder: Path, name: str, part: Checkpoint, options: WriteOptions) -> FileEntry:
    """Write a part as a bundle in its place in another one, and return what it is known by."""
    place = folder / layout.part_folder(name)
    place.mkdir(parents=True)
    fill(place, part, replace(options, split=()))
    content = (place / layout.MANIFEST).read_bytes()
    return FileEntry(len(content), digest(content))


def plan_files(checkpoint: Checkpoint, shard_size: int) -> dict[str, list[LazyTensor]]:
    """Return file -> tensors for all safetensors files that are not empty."""
    plan: dict[str, list[LazyTensor]] = {}
    for store, kinds in layout.STORES.items():
        tensors = _of(checkpoint, kinds)
        if store == "model":
            plan |= plan_shards(tensors, shard_size)
        elif tensors:
            plan[f"{store}.safetensors"] = tensors
    sample = [_lazy(name, array) for name, array in sorted(_arrays(checkpoint.sample).items())]
    return plan | ({layout.SAMPLE: sample} if sample else {})


def _of(checkpoint: Checkpoint, kinds: tuple[Kind, ...]) -> list[LazyTensor]:
    found = checkpoint.of_kind(*kinds)
    return [found[name] for name in sorted(found)]


def _arrays(sample: Sample | None) -> dict[str, Array]:
    return {} if sample is None else sample.arrays()


def _lazy(name: str, array: Array) -> LazyTensor:
    source: Callable[[], Array] = lambda: array  # noqa: E731  # a typed lambda reads as one line
    return LazyTensor(name, array.shape, dtype_name(array.dtype), Kind.STATE, source)


def _entry(tensor: LazyTensor, file: str, blake3: str) -> TensorEntry:
    kind = tensor.kind.value
    path, order = tensor.keras_path, tensor.own_order
    return TensorEntry(tensor.dtype, tensor.shape, kind, file, blake3, path, order)


def _put_asset(folder: Path, asset: Asset) -> AssetEntry:
    content = asset.read()
    if len(content) != asset.size:
        raise SaveError(
            f"asset {shown(asset.name)} was declared as {asset.size} bytes and gave {len(content)}"
        )
    file = layout.asset_file(asset.name)
    entry = put_file(folder, file, content)
    return AssetEntry(file, entry.size, entry.blake3, asset.keras_path)


def put_file(folder: Path, file: str, content: bytes) -> FileEntry:
    """Write a small file of a bundle and return what it is known by."""
    place = folder / file
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return FileEntry(len(content), digest(content))
