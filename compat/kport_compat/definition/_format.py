"""Read ``model.to_json()`` of Keras 2 and 3: a definition and no weights.

Form: ``keras/engine/training.py`` of Keras 2.12 (`_updated_config`): class_name, config,
keras_version, backend. Keras 3 writes its serialized object, without a version.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kport.checkpoint import Checkpoint, Holds, ModelSpec, Naming, Note
from kport.errors import CorruptFileError, InvalidSpecError, mapped
from kport.formats import Survey
from kport.formats._json import MAX_JSON_BYTES, parse_json
from kport_compat._reading import OldModels
from kport_compat.keras1 import speaks_keras_1
from kport_compat.keras2 import outline, translate, version_of

__all__ = ["DEFINITION", "DefinitionFormat"]

_HEAD = 4096  # class_name stands at the front of what Keras writes


class DefinitionFormat(OldModels):
    """The format object; see `kport.formats.Format`."""

    name = "json"
    title = "Keras definition (model.to_json())"

    def recognises(self, path: Path) -> bool:
        """Say whether the file begins as the JSON of a serialized Keras object."""
        try:
            if not path.is_file():
                return False
            with path.open("rb") as file:
                head = file.read(_HEAD).lstrip()
        except OSError:
            return False
        return head.startswith(b"{") and b'"class_name"' in head

    def read(self, path: Path) -> Checkpoint:
        """Return the Checkpoint with the config in Keras 3's form and without tensors.

        Raises:
            UnreadableError: It is damaged, describes no model, or cannot be translated.
        """
        with mapped(CorruptFileError, "cannot be read", path=path):
            config, notes = _config(_parsed(path))
        return Checkpoint(
            spec=ModelSpec(config=config),
            tensors={},
            naming=Naming.POSITION,  # the flags of its layers stand in the config
            provenance={"source": "Keras JSON"},
            notes=notes,
            holds=Holds.DEFINITION,
        )

    def survey(self, path: Path) -> Survey:
        """Return what is in the file, whether it can be translated or not."""
        try:
            return Survey(self.read(path))
        except InvalidSpecError as error:
            found = _parsed(path)
            spec = ModelSpec(config={})
            checkpoint = Checkpoint(spec, {}, Naming.POSITION, holds=Holds.DEFINITION)
            obstacles = (error.message, *map(str, error.problems))
            return Survey(checkpoint, layers=tuple(outline(found)), obstacles=obstacles)


DEFINITION = DefinitionFormat()


def _parsed(path: Path) -> Any:
    with path.open("rb") as file:
        return parse_json(file.read(MAX_JSON_BYTES + 1), path.name)


def _config(found: Any) -> tuple[dict[str, Any], tuple[Note, ...]]:
    if not isinstance(found, dict) or not isinstance(found.get("class_name"), str):
        raise InvalidSpecError("is JSON that describes no Keras model")
    version = found.get("keras_version")
    if not isinstance(version, str) and not speaks_keras_1(found):
        return found, ()
    translation = translate(found, version=version_of(version))
    return translation.config, translation.notes
