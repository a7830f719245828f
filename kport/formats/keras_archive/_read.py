"""Read a ``.keras`` archive in place: nothing is extracted, no value is read.

Memory: config and manifest. Values are views of the mapped archive; only a compressed weights
member (which Keras never writes) is inflated into memory, up to `MAX_INFLATED` bytes.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from kport.checkpoint import (
    Asset,
    Checkpoint,
    Kind,
    LazyTensor,
    ModelSpec,
    Naming,
    Sample,
    c_order,
    parse_spec,
    unflatten,
)
from kport.errors import CorruptFileError, Problem, UnreadableError, mapped
from kport.formats._json import MAX_JSON_BYTES, parse_json
from kport.formats._mapped import Backing, HeldBytes, MappedFile
from kport.formats.hdf5 import StoredArray, group_names, open_file, stored_arrays
from kport.formats.keras_archive._extras import Extras, parse_extras
from kport.formats.keras_archive._layout import (
    ASSETS,
    CONFIG,
    EXTRAS,
    EXTRAS_KEY,
    METADATA,
    SAMPLE,
    WEIGHTS,
    WEIGHTS_NPZ,
)
from kport.formats.keras_archive._zip import MAX_INFLATED, Archive, open_archive
from kport.formats.safetensors import SafetensorsFile, read_file

__all__ = ["MAX_ASSET", "read_archive", "weights_of"]

MAX_ASSET = 1 << 30  # vocabularies; the largest public ones are some ten MB


def read_archive(path: Path) -> Checkpoint:
    """Return the Checkpoint of an archive that kport or plain Keras wrote.

    Raises:
        CorruptFileError: It is truncated, damaged, or lacks a member.
        InvalidSpecError: Its config describes no model.
        UnsafeFileError: See `kport.formats.keras_archive._zip` and `kport.formats.hdf5`.
    """
    archive = open_archive(path)
    _require(archive)
    config_bytes = archive.read(CONFIG, MAX_JSON_BYTES)
    config = parse_json(config_bytes, CONFIG)
    arrays = _arrays(archive)
    file = _extras_file(archive)
    text = file.metadata.get(EXTRAS_KEY) if file is not None else None
    extras = parse_extras(text, config_bytes, config) if text is not None else None
    # Without rows they do not name the values, unless there are none.
    if file is not None and extras is not None and (extras.rows or not arrays):
        return _named(archive, extras, file, arrays)
    spec = extras.spec if extras is not None else parse_spec({}, config)
    return _unnamed(archive, spec, arrays)


def _require(archive: Archive) -> None:
    missing = [name for name in (CONFIG, WEIGHTS) if name not in archive.members]
    if WEIGHTS in missing and WEIGHTS_NPZ in archive.members:
        raise UnreadableError(
            f"keeps its weights in {WEIGHTS_NPZ}, which kport does not read",
            remedy="Load it with Keras and save it again with kport.save.",
        )
    if missing:
        problems = [Problem(name, "is missing", "missing") for name in missing]
        names = ", ".join(sorted(archive.members)[:6]) or "nothing"
        raise UnreadableError(
            f"is no Keras archive; it holds {names}", path=archive.path, problems=problems
        )


def _arrays(archive: Archive) -> dict[str, StoredArray]:
    return weights_of(archive)[0]


def weights_of(archive: Archive) -> tuple[dict[str, StoredArray], tuple[str, ...]]:
    """Return the datasets of the weights member by path, and the path of every group.

    Raises:
        CorruptFileError: The member is damaged.
        UnsafeFileError: See `kport.formats.hdf5`.
    """
    place = archive.place(WEIGHTS)
    backing: Backing
    if place is None:
        backing = HeldBytes(archive.read(WEIGHTS, MAX_INFLATED))
        place = 0, backing.size
    else:
        backing = MappedFile(archive.path)
        backing.hold()
    start, size = place
    try:
        with mapped(CorruptFileError, "cannot be read"):
            root = open_file(backing, start, size)
            return stored_arrays(root, backing, start), group_names(root)
    except CorruptFileError as error:
        raise CorruptFileError(f"its member {WEIGHTS} is damaged: {error.message}") from error


def _extras_file(archive: Archive) -> SafetensorsFile | None:
    place = archive.place(EXTRAS) if EXTRAS in archive.members else None
    return None if place is None else read_file(archive.path, offset=place[0], length=place[1])


def _named(
    archive: Archive, extras: Extras, file: SafetensorsFile, arrays: dict[str, StoredArray]
) -> Checkpoint:
    tensors: dict[str, LazyTensor] = {}
    problems: list[Problem] = []
    for name, row in extras.rows.items():
        stored = arrays.get(row.keras_path or "")
        entry = file.entries.get(name)
        if stored is not None and stored.dtype == row.dtype:
            tensors[name] = LazyTensor(
                name,
                stored.shape,
                row.dtype,
                row.kind,
                stored.source,
                row.keras_path,
                digest=row.blake3,
                order=row.order or c_order(stored.shape),
            )
        elif row.keras_path is None and entry is not None:
            source = file.source(name, row.dtype)
            order = row.order or c_order(entry.shape)
            tensors[name] = LazyTensor(
                name, entry.shape, row.dtype, row.kind, source, digest=row.blake3, order=order
            )
        else:
            place = row.keras_path or EXTRAS
            found = f"{stored.dtype} there" if stored is not None else "nothing there"
            text = f"is said to be {row.dtype} at {place}; found {found}"
            problems.append(Problem(name, text, "missing"))
    if problems:
        raise CorruptFileError("kport's member and the weights disagree", problems=problems)
    sample = {
        name.removeprefix(SAMPLE): file.source(name)()
        for name in file.entries
        if name.startswith(SAMPLE)
    }
    inputs = unflatten(sample, "inputs")
    return Checkpoint(
        spec=extras.spec,
        tensors=tensors,
        naming=Naming.ATTRIBUTE,
        assets={
            name: _asset(archive, name, member) for name, member in sorted(extras.assets.items())
        },
        provenance=extras.provenance,
        sample=None if inputs is None else Sample(inputs, unflatten(sample, "outputs")),
    )


def _unnamed(archive: Archive, spec: ModelSpec, arrays: dict[str, StoredArray]) -> Checkpoint:
    tensors = {
        path: LazyTensor(path, one.shape, one.dtype, _kind(path), one.source, path)
        for path, one in arrays.items()
    }
    assets = {
        name: _asset(archive, name, name)
        for name in (
            member.removeprefix(ASSETS)
            for member in sorted(archive.members)
            if member.startswith(ASSETS) and not member.endswith("/")
        )
    }
    return Checkpoint(
        spec=spec,
        tensors=tensors,
        naming=Naming.KERAS,
        assets=assets,
        provenance=_provenance(archive),
    )


def _kind(path: str) -> Kind:
    """Plain Keras writes no kinds; what is the optimizer's is known by its path alone."""
    return Kind.OPTIMIZER if path.startswith("optimizer/") else Kind.PARAMETER


def _provenance(archive: Archive) -> dict[str, Any]:
    if METADATA not in archive.members:
        return {}
    metadata = parse_json(archive.read(METADATA, MAX_JSON_BYTES), METADATA)
    version = metadata.get("keras_version") if isinstance(metadata, dict) else None
    return {"keras": version} if isinstance(version, str) else {}


def _asset(archive: Archive, name: str, keras_path: str) -> Asset:
    member = archive.members.get(f"{ASSETS}{keras_path}")
    if member is None:
        raise CorruptFileError(f"the asset {name!r} is missing: no member {ASSETS}{keras_path}")
    read = partial(archive.read, member.filename, MAX_ASSET)
    return Asset(name, member.file_size, read, keras_path)
