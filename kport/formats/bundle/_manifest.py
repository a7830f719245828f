"""The manifest of a bundle, ``kport.json``: what the bundle says about itself.

::

    {"format": "kport-bundle",
     "version": 1,
     "holds"?: "weights", where there is no definition and the config is {},
     "assets": {NAME: {"file", "size", "blake3", "keras_path"?}},
     "files": {FILE: {"size", "blake3"}},
     "parts": {NAME: {"size", "blake3"}},
     "provenance": {string: string},
     "sample": {NAME: {"dtype", "shape", "blake3"}},
     "spec": what `ModelSpec.to_json` gives,
     "tensors": {NAME: {"dtype", "shape", "kind", "file", "blake3", "keras_path"?, "order"?}},
     "blake3": of all bytes of the manifest before this last line}

``files`` lists every file but the manifest, the assets (their digests stand with them), the files
of parts and the model card (people edit it). The digest of a safetensors file is that of its
header: its values are the tensors, which have theirs. A part is a bundle below ``parts/``, known by
the digest of its manifest. So the digest of a manifest stands for every byte of the model. The
values are in C order; ``order`` is that of the axes in the memory they came from, where it differs.

Format and version come first, so that a look at the first bytes tells what the file is; the rest is
sorted, one entry a line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kport.checkpoint import DTYPES, JSON, Checker, Holds, Kind, digest
from kport.errors import CorruptFileError, Problem, UnreadableError, UnsafeFileError
from kport.formats._integrity import parse_digest, parse_order
from kport.formats._json import dump_line, dump_shape, shown
from kport.formats.bundle._layout import CONFIG, FORMAT, MANIFEST, SAMPLE, VERSION, is_inside

__all__ = [
    "AssetEntry",
    "FileEntry",
    "Manifest",
    "SampleEntry",
    "TensorEntry",
    "manifest_is_whole",
    "parse_manifest",
    "render_manifest",
    "validate_manifest",
]

_LAST_LINE = re.compile(rb',\n "blake3": "([0-9a-f]{64})"}\n\Z')
_FIELDS = {
    "assets",
    "blake3",
    "files",
    "format",
    "holds",
    "parts",
    "provenance",
    "sample",
    "spec",
    "tensors",
    "version",
}
_KINDS = {kind.value for kind in Kind} - {Kind.DERIVED.value}


class FileEntry(NamedTuple):
    """Size and digest of a file; of a safetensors file the digest of its header."""

    size: int
    blake3: str


class AssetEntry(NamedTuple):
    """A file of a layer, and where plain Keras keeps it."""

    file: str
    size: int
    blake3: str
    keras_path: str | None = None


class SampleEntry(NamedTuple):
    """An array of the sample."""

    dtype: str
    shape: tuple[int, ...]
    blake3: str


class TensorEntry(NamedTuple):
    """A tensor, the file that holds it and where plain Keras keeps it."""

    dtype: str
    shape: tuple[int, ...]
    kind: str
    file: str
    blake3: str
    keras_path: str | None = None
    order: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says; see the module for the fields."""

    spec: JSON
    tensors: Mapping[str, TensorEntry] = field(default_factory=dict)
    assets: Mapping[str, AssetEntry] = field(default_factory=dict)
    files: Mapping[str, FileEntry] = field(default_factory=dict)
    parts: Mapping[str, FileEntry] = field(default_factory=dict)
    sample: Mapping[str, SampleEntry] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    holds: Holds = Holds.MODEL


def validate_manifest(data: object) -> list[Problem]:
    """Return everything that is wrong with a manifest of this version; empty when it is valid."""
    return _examine(data)[1]


def parse_manifest(data: object) -> Manifest:
    """Return what a manifest says.

    Raises:
        UnreadableError: A newer kport wrote it.
        CorruptFileError: With every problem of `validate_manifest`.
        UnsafeFileError: A path in it leads out of the bundle.
    """
    version = data.get("version") if isinstance(data, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise UnreadableError(
            f"{MANIFEST} is of version {version}, and this kport reads up to version {VERSION}",
            remedy="Update kport: pip install --upgrade keras-kport",
        )
    manifest, problems = _examine(data)
    if problems:
        unsafe = any(problem.kind == "unsafe" for problem in problems)
        error = UnsafeFileError if unsafe else CorruptFileError
        raise error(f"{MANIFEST} is not a valid manifest", problems=problems)
    return manifest


def render_manifest(manifest: Manifest) -> bytes:
    """Return the manifest as JSON, one entry a line."""
    fields: dict[str, Mapping[str, Any]] = {
        "assets": manifest.assets,
        "files": manifest.files,
        "parts": manifest.parts,
        "provenance": manifest.provenance,
        "sample": manifest.sample,
        "spec": manifest.spec,
        "tensors": manifest.tensors,
    }
    parts = [f'"format": {dump_line(FORMAT)}', f'"version": {dump_line(VERSION)}']
    if manifest.holds is not Holds.MODEL:
        parts.append(f'"holds": {dump_line(manifest.holds.value)}')
    parts += [f"{dump_line(key)}: {_lines(value)}" for key, value in fields.items()]
    text = ("{" + ",\n ".join(parts)).encode()
    return text + f',\n "blake3": "{digest(text)}"}}\n'.encode()


def manifest_is_whole(raw: bytes) -> bool:
    """Say whether the bytes of a manifest are those that were written."""
    last = _LAST_LINE.search(raw)
    return last is not None and last[1].decode() == digest(raw[: last.start()])


def _lines(entries: Mapping[str, Any]) -> str:
    rows = ",\n  ".join(f"{dump_line(name)}: {_line(entries[name])}" for name in sorted(entries))
    return f"{{\n  {rows}}}" if rows else "{}"


def _line(entry: Any) -> str:
    if isinstance(entry, TensorEntry):
        return _tensor_line(entry)
    if isinstance(entry, (AssetEntry, FileEntry, SampleEntry)):
        entry = {name: value for name, value in entry._asdict().items() if value is not None}
    return dump_line(entry)


def _tensor_line(one: TensorEntry) -> str:
    # There are thousands, so no encoder is asked for what needs none.
    path = "" if one.keras_path is None else f'"keras_path":{dump_line(one.keras_path)},'
    order = "" if one.order is None else f'"order":{dump_shape(one.order)},'
    return (
        f'{{"blake3":"{one.blake3}","dtype":"{one.dtype}","file":{dump_line(one.file)},'
        f'{path}"kind":"{one.kind}",{order}"shape":{dump_shape(one.shape)}}}'
    )


def _examine(data: object) -> tuple[Manifest, list[Problem]]:
    check = Checker()
    fields = check.mapping(data, MANIFEST)
    for key in sorted(set(fields) - _FIELDS):
        check.say(shown(key), "is not a field of this version", "unexpected")
    check.one_of(fields.get("format"), {FORMAT}, "format")
    check.integer(fields.get("version"), "version", least=1)
    files = _table(check, fields, "files", _file)
    tensors = _table(check, fields, "tensors", _tensor)
    for name, tensor in tensors.items():
        if tensor.file and tensor.file not in files:
            place = f"tensors[{shown(name)}].file"
            check.say(place, f"is {shown(tensor.file)}, which is not among the files", "missing")
    for name in (CONFIG, SAMPLE) if fields.get("sample") else (CONFIG,):
        if name not in files:
            check.say("files", f"has no {name}", "missing")
    for name in files:
        _check_inside(check, name, f"files[{shown(name)}]")
    holds = check.one_of(fields.get("holds", "model"), {"model", "weights"}, "holds")
    provenance = check.mapping(fields.get("provenance"), "provenance")
    for key, value in provenance.items():
        if not isinstance(value, str):
            check.say(f"provenance[{shown(key)}]", "is no string", "type")
    manifest = Manifest(
        spec=check.mapping(fields.get("spec"), "spec"),
        tensors=tensors,
        assets=_table(check, fields, "assets", _asset),
        files=files,
        parts=_table(check, fields, "parts", _file),
        sample=_table(check, fields, "sample", _sample),
        provenance=provenance,
        holds=Holds(holds or "model"),
    )
    return manifest, check.problems


def _table(check: Checker, fields: JSON, key: str, row: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in check.mapping(fields.get(key), key).items():
        place = f"{key}[{shown(name)}]"
        found[name] = row(check, check.mapping(value, place), place)
    return found


def _file(check: Checker, fields: JSON, place: str) -> FileEntry:
    size = check.integer(fields.get("size"), f"{place}.size")
    return FileEntry(size, _digest(check, fields, place))


def _asset(check: Checker, fields: JSON, place: str) -> AssetEntry:
    found = _file(check, fields, place)
    file = check.string(fields.get("file"), f"{place}.file")
    _check_inside(check, file, f"{place}.file")
    return AssetEntry(file, found.size, found.blake3, _keras_path(check, fields, place))


def _sample(check: Checker, fields: JSON, place: str) -> SampleEntry:
    dtype = check.one_of(fields.get("dtype"), DTYPES, f"{place}.dtype")
    shape = check.shape(fields.get("shape"), f"{place}.shape")
    known = tuple(size for size in shape if size is not None)
    return SampleEntry(dtype, known, _digest(check, fields, place))


def _tensor(check: Checker, fields: JSON, place: str) -> TensorEntry:
    array = _sample(check, fields, place)
    kind = check.one_of(fields.get("kind"), _KINDS, f"{place}.kind")
    file = check.string(fields.get("file"), f"{place}.file")
    keras_path = _keras_path(check, fields, place)
    order = parse_order(check, fields.get("order"), f"{place}.order")
    return TensorEntry(array.dtype, array.shape, kind, file, array.blake3, keras_path, order)


def _digest(check: Checker, fields: JSON, place: str) -> str:
    return parse_digest(check, fields.get("blake3"), f"{place}.blake3")


def _keras_path(check: Checker, fields: JSON, place: str) -> str | None:
    found = fields.get("keras_path")
    return None if found is None else check.string(found, f"{place}.keras_path")


def _check_inside(check: Checker, file: str, place: str) -> None:
    if file and not is_inside(file):
        check.say(place, f"leads out of the bundle: {shown(file)}", "unsafe")
