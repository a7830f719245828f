"""What kport adds to an archive: names and kinds of all values, the spec, the sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kport.checkpoint import (
    JSON,
    Checker,
    Checkpoint,
    Kind,
    ModelSpec,
    Naming,
    digest,
    parse_spec,
    validate_spec,
)
from kport.errors import InvalidSpecError, Problem
from kport.formats._integrity import parse_digest, parse_order
from kport.formats._json import dump_line, parse_json
from kport.formats.keras_archive._layout import EXTRAS_VERSION

__all__ = ["Extras", "Row", "parse_extras", "render_extras"]


@dataclass(frozen=True, slots=True)
class Row:
    """What the extras say of one value.

    Arguments:
        kind: What it is for.
        dtype: Its dtype, which HDF5 or safetensors may not know by that name.
        keras_path: Where it lies in the weights; None when it lies in the extras themselves.
        blake3: The digest of its values.
        order: See `LazyTensor.own_order`.
    """

    kind: Kind
    dtype: str
    keras_path: str | None
    blake3: str
    order: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Extras:
    """The parsed extras of an archive."""

    spec: ModelSpec
    rows: Mapping[str, Row]
    assets: Mapping[str, str]
    provenance: JSON


def render_extras(checkpoint: Checkpoint, config: bytes, digests: Mapping[str, str]) -> str:
    """Return the JSON that describes a Checkpoint, bound to the exact bytes of its config."""
    named = checkpoint.naming is Naming.ATTRIBUTE
    rows = {
        name: {
            "kind": one.kind.value,
            "dtype": one.dtype,
            "keras_path": one.keras_path,
            "blake3": digests[name],
            **({"order": one.own_order} if one.own_order else {}),
        }
        for name, one in checkpoint.tensors.items()
    }
    data = {
        "assets": {name: one.keras_path or name for name, one in checkpoint.assets.items()},
        "config_blake3": digest(config),
        "provenance": checkpoint.provenance,
        "spec": checkpoint.spec.to_json(),
        "tensors": rows if named else {},
        "version": EXTRAS_VERSION,
    }
    return dump_line(data)


def parse_extras(text: str, config_bytes: bytes, config: Any) -> Extras | None:
    """Return the extras, or None where they belong to another config.

    A tool that knows nothing of kport may have rewritten the config and kept this member; its
    names then describe another model, and the archive is as good as one from plain Keras.

    Raises:
        InvalidSpecError: With every problem.
    """
    data = parse_json(text.encode(), "kport's metadata")
    check = Checker()
    fields = check.mapping(data, "kport")
    known = {"assets", "config_blake3", "provenance", "spec", "tensors", "version"}
    if check.integer(fields.get("version"), "kport.version", 1) > EXTRAS_VERSION:
        raise InvalidSpecError(
            f"was written by a newer kport (version {fields['version']} of its member; this one "
            f"reads up to {EXTRAS_VERSION})",
            remedy="Update keras-kport.",
        )
    check.keys(fields, known, "kport")
    if fields.get("config_blake3") != digest(config_bytes):
        return None
    rows = {
        name: _row(check, row, f"kport.tensors[{name!r}]")
        for name, row in check.mapping(fields.get("tensors"), "kport.tensors").items()
    }
    assets = check.mapping(fields.get("assets"), "kport.assets")
    for name, path in assets.items():
        check.string(path, f"kport.assets[{name!r}]")
    provenance = check.mapping(fields.get("provenance"), "kport.provenance")
    problems: list[Problem] = check.problems + validate_spec(fields.get("spec"), config)
    if problems:
        raise InvalidSpecError("kport's member is not valid", problems=problems)
    return Extras(parse_spec(fields.get("spec"), config), rows, assets, provenance)


def _row(check: Checker, row: object, place: str) -> Row:
    fields = check.mapping(row, place)
    check.keys(fields, {"kind", "dtype", "keras_path", "blake3", "order"}, place)
    kind = check.one_of(fields.get("kind"), [one.value for one in Kind], f"{place}.kind")
    path = fields.get("keras_path")
    if path is not None:
        path = check.string(path, f"{place}.keras_path")
    dtype = check.string(fields.get("dtype"), f"{place}.dtype")
    blake3 = parse_digest(check, fields.get("blake3"), f"{place}.blake3")
    order = parse_order(check, fields.get("order"), f"{place}.order")
    return Row(Kind(kind) if kind else Kind.STATE, dtype, path, blake3, order)
