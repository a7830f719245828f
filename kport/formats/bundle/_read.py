"""Read a bundle: manifest, config and the headers of its files; no value is read.

The manifest is a claim. Every file it names must be there with the size it says, no link on the
way, and the header of every file of weights must list the same tensors with the same dtypes and
shapes. A tensor or an asset is held against its digest when it is read, the other files by
`check_bundle`. A part is read the same way, once its manifest has the digest that the whole knows
it by.

Memory: manifest, config and headers, each bounded at 100 MB of JSON; values are memory maps.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from kport.checkpoint import (
    JSON,
    Asset,
    Checkpoint,
    Holds,
    Kind,
    LazyTensor,
    Naming,
    Sample,
    c_order,
    digest,
    joined,
    parse_spec,
    unflatten,
)
from kport.errors import (
    CorruptFileError,
    Problem,
    UnknownFormatError,
    UnreadableError,
    UnsafeFileError,
    mapped,
)
from kport.formats._json import MAX_JSON_BYTES, parse_json, shown
from kport.formats.bundle._layout import (
    CONFIG,
    MANIFEST,
    SAMPLE,
    looks_like_bundle,
    part_folder,
    status_of,
)
from kport.formats.bundle._manifest import (
    AssetEntry,
    FileEntry,
    Manifest,
    SampleEntry,
    TensorEntry,
    parse_manifest,
)
from kport.formats.safetensors import Entry, SafetensorsFile, read_file, tag_of

__all__ = [
    "manifest_bytes",
    "part_problems",
    "read_bundle",
    "read_manifest",
    "read_parts",
    "read_rest",
    "require_parts",
]

Stores = Mapping[str, SafetensorsFile]


def read_bundle(path: Path) -> Checkpoint:
    """Return the Checkpoint in a bundle, its tensors unread.

    Raises:
        UnknownFormatError: The directory has no manifest of ours.
        UnreadableError: A newer kport wrote it, or it cannot be opened.
        CorruptFileError: Files are missing, truncated or contradict each other; with every
            problem.
        InvalidSpecError: The config describes no model.
        UnsafeFileError: A file is a link or a path leads out of the bundle.
    """
    with mapped(UnreadableError, "cannot be read", path=path):
        manifest = read_manifest(path)[1]
        return joined(read_rest(path, manifest), read_parts(path, manifest.parts))


def read_manifest(path: Path) -> tuple[bytes, Manifest]:
    """Return the manifest of a bundle, as bytes and as what they say."""
    raw = manifest_bytes(path)
    return raw, parse_manifest(parse_json(raw, MANIFEST))


def manifest_bytes(path: Path) -> bytes:
    """Return the manifest of a bundle as it is."""
    if not looks_like_bundle(path):
        raise UnknownFormatError(f"has no {MANIFEST} of a kport bundle")
    return _content(path, MANIFEST, MAX_JSON_BYTES)


def read_rest(path: Path, manifest: Manifest, config: JSON | None = None) -> Checkpoint:
    """Return the Checkpoint without the tensors of its parts.

    The files are held against what the manifest says of them.

    Arguments:
        path: The bundle.
        manifest: Its manifest.
        config: Where only some of its tensors are left in the manifest: the config in the place of
            the whole's. Then no others are looked at.
    """
    _raise(_file_problems(path, manifest))
    stores, problems = _stores(path, manifest, whole=config is None)
    _raise([*problems, *_disagreements(manifest, stores)])
    weights = manifest.holds is Holds.WEIGHTS
    config = _json(path, CONFIG) if config is None else config
    return Checkpoint(
        spec=parse_spec(manifest.spec, config, weights=weights),
        tensors={name: _tensor(name, entry, stores) for name, entry in manifest.tensors.items()},
        assets=_assets(path, manifest),
        provenance=dict(manifest.provenance),
        sample=_sample(manifest, stores),
        naming=Naming.OBJECTS if weights else Naming.ATTRIBUTE,
        holds=manifest.holds,
    )


def read_parts(path: Path, parts: Mapping[str, FileEntry]) -> dict[str, Checkpoint]:
    """Return name -> Checkpoint of the parts of a bundle."""
    require_parts(path, parts)
    return {name: read_bundle(path / part_folder(name)) for name in parts}


def require_parts(path: Path, parts: Mapping[str, FileEntry]) -> None:
    """Refuse parts that are not those that the whole was saved with."""
    problems = [one for name, entry in parts.items() for one in part_problems(path, name, entry)]
    if problems:
        error = UnsafeFileError if _is_unsafe(problems) else CorruptFileError
        raise error(
            "has parts that are not those it was saved with",
            problems=problems,
            remedy="kport.save(model, path, part=NAME) puts a part in its place.",
        )


def part_problems(root: Path, name: str, entry: FileEntry) -> Iterator[Problem]:
    """Yield why a part is not the one that the whole was saved with."""
    file = f"{part_folder(name)}/{MANIFEST}"
    status = status_of(root, file)
    if isinstance(status, str):
        yield Problem(f"part {shown(name)}", f"{shown(file)} {status}", _status_kind(status))
    elif digest(_content(root, file, MAX_JSON_BYTES)) != entry.blake3:
        yield Problem(f"part {shown(name)}", "was changed since the whole was saved", "hash")


def _raise(problems: list[Problem]) -> None:
    if problems:
        unsafe = _is_unsafe(problems)
        error = UnsafeFileError if unsafe else CorruptFileError
        raise error(
            f"is not what its {MANIFEST} says",
            problems=problems,
            remedy="" if unsafe else "Copy or download the whole directory again.",
        )


def _is_unsafe(problems: list[Problem]) -> bool:
    return any(problem.kind == "unsafe" for problem in problems)


def _json(root: Path, file: str) -> Any:
    return parse_json(_content(root, file, MAX_JSON_BYTES), file)


def _content(root: Path, file: str, most: int) -> bytes:
    status = status_of(root, file)
    if isinstance(status, str):
        _raise([Problem(shown(file), status, _status_kind(status))])
    with (root / file).open("rb") as opened:
        size = os.fstat(opened.fileno()).st_size
        if size > most:
            raise CorruptFileError(f"{file} is {size} bytes, and at most {most} are read")
        return opened.read(most)


def _status_kind(status: str) -> str:
    return "missing" if status == "is missing" else "unsafe"


def _file_problems(root: Path, manifest: Manifest) -> list[Problem]:
    sizes = {name: entry.size for name, entry in manifest.files.items()}
    sizes |= {entry.file: entry.size for entry in manifest.assets.values()}
    problems = []
    for file, size in sorted(sizes.items()):
        status = status_of(root, file)
        if isinstance(status, str):
            problems.append(Problem(shown(file), status, _status_kind(status)))
        elif status.st_size != size:
            what = "is truncated" if status.st_size < size else "is too long"
            found = f"{what}: {status.st_size} bytes, and {MANIFEST} says {size}"
            problems.append(Problem(shown(file), found))
    return problems


def _stores(root: Path, manifest: Manifest, *, whole: bool) -> tuple[Stores, list[Problem]]:
    named = {entry.file for entry in manifest.tensors.values()}
    if whole:
        named |= {file for file in manifest.files if file.endswith(".safetensors")}
    only = None if whole else manifest.tensors.keys()
    stores: dict[str, SafetensorsFile] = {}
    problems: list[Problem] = []
    for file in sorted(named):
        try:
            stores[file] = read_file(root / file, only=only)
        except CorruptFileError as error:
            problems.append(Problem(shown(file), error.message))
            problems += [
                Problem(f"{shown(file)}: {one.place}", one.message, one.kind)
                for one in error.problems
            ]
    return stores, problems


def _disagreements(manifest: Manifest, stores: Stores) -> Iterator[Problem]:
    claims: dict[str, dict[str, SampleEntry | TensorEntry]] = {SAMPLE: dict(manifest.sample)}
    for name, one in manifest.tensors.items():
        claims.setdefault(one.file, {})[name] = one
    for file, store in stores.items():
        claimed = claims.get(file, {})
        for name in sorted({*claimed, *store.entries}):
            found = _difference(claimed.get(name), store.entries.get(name), file)
            if found:
                yield Problem(f"tensors[{shown(name)}]", *found)


def _difference(
    claim: SampleEntry | TensorEntry | None, entry: Entry | None, file: str
) -> tuple[str, str] | None:
    if entry is None:
        return f"is in {MANIFEST}, and not in {shown(file)}", "missing"
    if claim is None:
        return f"is in {shown(file)}, and not in {MANIFEST}", "unexpected"
    if tag_of(claim.dtype) != entry.tag:
        return f"is {claim.dtype} in {MANIFEST}, and {entry.tag} in {shown(file)}", "dtype"
    if claim.shape != entry.shape:
        sides = f"{list(claim.shape)} in {MANIFEST}, and {list(entry.shape)} in {shown(file)}"
        return f"has the shape {sides}", "shape"
    return None


def _tensor(name: str, entry: TensorEntry, stores: Stores) -> LazyTensor:
    return LazyTensor(
        name,
        entry.shape,
        entry.dtype,
        Kind(entry.kind),
        stores[entry.file].source(name, entry.dtype),
        keras_path=entry.keras_path,
        digest=entry.blake3,
        window=stores[entry.file].window(name, entry.dtype),
        order=entry.order or c_order(entry.shape),
    )


def _assets(root: Path, manifest: Manifest) -> dict[str, Asset]:
    return {
        name: Asset(name, one.size, partial(_asset, root, one), one.keras_path)
        for name, one in manifest.assets.items()
    }


def _asset(root: Path, entry: AssetEntry) -> bytes:
    with mapped(UnreadableError, "cannot be read", path=root / entry.file):
        content = _content(root, entry.file, entry.size)
        if len(content) != entry.size:
            raise CorruptFileError(
                f"is truncated: {len(content)} bytes, and {MANIFEST} says {entry.size}"
            )
        if digest(content) != entry.blake3:
            raise CorruptFileError(f"differs from its BLAKE3 in {MANIFEST}")
        return content


def _sample(manifest: Manifest, stores: Stores) -> Sample | None:
    if not manifest.sample:
        return None
    arrays = {
        name: stores[SAMPLE].source(name, one.dtype)() for name, one in manifest.sample.items()
    }
    sample = Sample(unflatten(arrays, "inputs"), unflatten(arrays, "outputs"))
    if sample.inputs is None or sample.arrays().keys() != arrays.keys():
        raise CorruptFileError(
            f"the arrays of {SAMPLE} form no inputs and outputs",
            problems=[Problem(f"sample[{shown(name)}]", "is in it") for name in sorted(arrays)],
        )
    return sample
