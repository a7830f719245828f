"""Write a ``.keras`` archive that plain Keras loads, the same bytes for the same Checkpoint.

One pass, without a second copy of the weights on disk; see `_hdf5_member`. Memory: see
`kport.formats._stream`.
"""

from __future__ import annotations

import zipfile
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from kport.checkpoint import Checkpoint, Kind, LazyTensor, Naming, digest_of
from kport.errors import SaveError
from kport.formats._atomic import replace_file
from kport.formats._direct import open_to_write
from kport.formats._json import dump_json
from kport.formats.keras_archive._extras import render_extras
from kport.formats.keras_archive._hdf5_member import write_hdf5
from kport.formats.keras_archive._layout import (
    ASSETS,
    CONFIG,
    EXTRAS,
    EXTRAS_KEY,
    METADATA,
    SAMPLE,
    WEIGHTS,
)
from kport.formats.keras_archive._zip import seal, stored_member
from kport.formats.safetensors import write_file

__all__ = ["write_archive"]


def write_archive(checkpoint: Checkpoint, path: Path) -> None:
    """Write an archive, whole or not at all.

    Raises:
        SaveError: The Checkpoint says not where plain Keras keeps its values, or the target
            cannot be written; it is as it was before.
    """
    _require_keras_paths(checkpoint)
    config = dump_json(checkpoint.spec.config, indent=None)
    # A link stays one: what it leads to is replaced, not the link.
    with replace_file(path.resolve() if path.is_symlink() else path) as temporary:
        size = sum(one.nbytes for one in checkpoint.tensors.values())
        with open_to_write(temporary, size) as file, zipfile.ZipFile(file, "w") as archive:
            archive.writestr(stored_member(METADATA), _metadata(checkpoint))
            archive.writestr(stored_member(CONFIG), config)
            with archive.open(stored_member(WEIGHTS), "w", force_zip64=True) as member:
                stored = [one for one in checkpoint.tensors.values() if one.keras_path is not None]
                digests = write_hdf5(cast("BinaryIO", member), stored, file)
            for name, asset in sorted(checkpoint.assets.items()):
                place = f"{ASSETS}{asset.keras_path or name}"
                archive.writestr(stored_member(place), asset.read())
            with archive.open(stored_member(EXTRAS), "w", force_zip64=True) as member:
                _write_extras(checkpoint, config, digests, cast("BinaryIO", member))
        seal(temporary)


def _require_keras_paths(checkpoint: Checkpoint) -> None:
    if checkpoint.naming is Naming.POSITION:
        raise SaveError(
            "cannot become a Keras archive, since it is not known where Keras keeps its values",
            remedy="Load it with kport.load and save the model.",
        )


def _metadata(checkpoint: Checkpoint) -> bytes:
    version = str(checkpoint.provenance.get("keras", ""))
    # Keras writes the time here and reads it never; without it equal models have equal bytes.
    return dump_json({"keras_version": version, "date_saved": None}, indent=None)


def _write_extras(
    checkpoint: Checkpoint, config: bytes, digests: dict[str, str], member: BinaryIO
) -> None:
    without_place = [one for one in checkpoint.tensors.values() if one.keras_path is None]
    tensors = without_place + _sample_tensors(checkpoint)
    # The header stands before these values, so they are read once for it and once to be written.
    digests = digests | {one.name: digest_of(one.read()) for one in without_place}
    write_file(member, tensors, {EXTRAS_KEY: render_extras(checkpoint, config, digests)})


def _sample_tensors(checkpoint: Checkpoint) -> list[LazyTensor]:
    arrays = {} if checkpoint.sample is None else checkpoint.sample.arrays()
    return [
        LazyTensor(
            f"{SAMPLE}{name}", one.shape, one.dtype.name, Kind.STATE, partial(np.asarray, one)
        )
        for name, one in arrays.items()
    ]
