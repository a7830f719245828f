"""Read a ``.keras`` archive of Keras 2.12 to 2.15 (``keras_version`` 2.x in its metadata).

The members are those of Keras 3 (``keras/saving/saving_lib.py`` of Keras 2.12); the config is one
of Keras 2, and the paths inside ``model.weights.h5`` are translated, see ``_paths``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from kport.checkpoint import JSON, Asset, Checkpoint, ModelSpec, Naming, Note
from kport.errors import CorruptFileError, Problem, mapped
from kport.formats._json import MAX_JSON_BYTES, parse_json
from kport.formats.keras_archive import written_by_keras_2
from kport.formats.keras_archive._layout import ASSETS, CONFIG, METADATA, WEIGHTS
from kport.formats.keras_archive._read import MAX_ASSET, weights_of
from kport.formats.keras_archive._zip import Archive, open_archive
from kport_compat._reading import OldModels
from kport_compat.keras2 import (
    give_boundaries,
    give_vocabulary,
    translate,
    wants_boundaries,
    wants_vocabulary,
)
from kport_compat.keras2_archive._compiled import training_config
from kport_compat.keras2_archive._paths import keras_3_paths, translated
from kport_compat.keras2_archive._places import layer_places
from kport_compat.keras2_archive._tensors import Tensors, tensors_of

__all__ = ["KERAS2_ARCHIVE", "Keras2Archive"]


class Keras2Archive(OldModels):
    """The format object; see `kport.formats.Format`."""

    name = "keras2"
    title = "Keras archive of Keras 2 (.keras)"

    def recognises(self, path: Path) -> bool:
        """Say whether it is an archive whose metadata names Keras 2."""
        return path.is_file() and written_by_keras_2(path)

    def read(self, path: Path) -> Checkpoint:
        """Return the Checkpoint with the config in Keras 3's form, its tensors unread.

        Raises:
            UnreadableError: It is damaged, or its config cannot be translated.
            UnsafeFileError: It leads out of itself.
        """
        with mapped(CorruptFileError, "cannot be read", path=path):
            return _read(open_archive(path))


KERAS2_ARCHIVE = Keras2Archive()


def _read(archive: Archive) -> Checkpoint:
    missing = [name for name in (CONFIG, WEIGHTS) if name not in archive.members]
    if missing:
        problems = [Problem(name, "is missing", "missing") for name in missing]
        raise CorruptFileError("is no whole Keras archive", problems=problems)
    config = parse_json(archive.read(CONFIG, MAX_JSON_BYTES), CONFIG)
    compiled = config.get("compile_config") if isinstance(config, dict) else None
    arrays, groups = weights_of(archive)
    translation = translate(config, training_config(config, groups))
    paths = keras_3_paths(groups, arrays)
    tensors, notes = tensors_of(arrays, paths, translation.optimizer)
    assets = _assets(archive, paths)
    notes += _give_what_was_learned(translation.config, tensors, assets)
    return Checkpoint(
        spec=ModelSpec(config=translation.config),
        tensors=tensors,
        naming=Naming.KERAS_2,
        assets=assets,
        provenance={"source": "Keras 2 archive", **_version(archive)},
        notes=(*translation.notes, *notes, *_compile_notes(compiled, translation.optimizer)),
    )


def _give_what_was_learned(
    config: JSON, tensors: Tensors, assets: Mapping[str, Asset]
) -> list[Note]:
    """Put into the config what adapt() found, and take away what is said by that."""
    notes = []
    for path, layer in layer_places(config):
        summary = tensors.get(f"{path}/vars/0")
        if summary is not None and layer["class_name"] == "Discretization":
            if wants_boundaries(layer):
                give_boundaries(layer, summary.read())
            del tensors[summary.name]
            notes.append(Note("translated", summary.name, "said by the boundaries of the layer"))
        words = assets.get(f"{path}/vocabulary.txt")
        if words is not None and wants_vocabulary(layer):
            give_vocabulary(layer, words.read().decode())
    return notes


def _compile_notes(compiled: Any, optimizer: JSON | None) -> list[Note]:
    if compiled and optimizer is None:
        return [Note("dropped", "compile_config", "has no optimizer kport knows; compile again")]
    return []


def _assets(archive: Archive, paths: dict[str, str]) -> dict[str, Asset]:
    found = {}
    for member, info in sorted(archive.members.items()):
        if member.startswith(ASSETS) and not member.endswith("/"):
            name = translated(member.removeprefix(ASSETS), paths)
            read = partial(archive.read, member, MAX_ASSET)
            found[name] = Asset(name, info.file_size, read, name)
    return found


def _version(archive: Archive) -> dict[str, str]:
    metadata = parse_json(archive.read(METADATA, MAX_JSON_BYTES), METADATA)
    return {"keras": str(metadata.get("keras_version"))}
