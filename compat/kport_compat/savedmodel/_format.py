"""Read a SavedModel that Keras 2 wrote (``model.save("folder")``), without TensorFlow.

Layout: https://www.tensorflow.org/guide/saved_model#the_savedmodel_format_on_disk.

Memory: the object graph, of which a field takes some hundred bytes; values are mapped.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kport.checkpoint import Checkpoint
from kport.errors import CorruptFileError, mapped
from kport_compat._reading import OldModels
from kport_compat.savedmodel._saved import open_saved, values_of
from kport_compat.savedmodel._strategies import read_saved
from kport_compat.savedmodel._survey import survey_of
from kport_compat.tfcheckpoint import read_checkpoint

if TYPE_CHECKING:
    from kport.formats import Survey

__all__ = ["SAVED_MODEL", "SavedModelFormat"]


class SavedModelFormat(OldModels):
    """The format object; see `kport.formats.Format`."""

    name = "savedmodel"
    title = "TensorFlow SavedModel (Keras 2)"

    def recognises(self, path: Path) -> bool:
        """Say whether it is a SavedModel's directory, or the ``saved_model.pb`` in it."""
        folder = _folder(path)
        return any((folder / name).is_file() for name in ("saved_model.pb", "saved_model.pbtxt"))

    def main(self, path: Path) -> Path:
        """Return its directory."""
        return _folder(path)

    def read(self, path: Path) -> Checkpoint:
        """Return the Checkpoint with the config in Keras 3's form, its tensors unread.

        Raises:
            UnreadableError: It is damaged, incomplete, or holds no Keras model.
        """
        with mapped(CorruptFileError, "cannot be read", path=path):
            return read_saved(open_saved(_folder(path)))

    def read_weights(self, path: Path) -> Checkpoint:
        """Return the values alone, by the names of their objects, of any SavedModel.

        Raises:
            UnreadableError: They are damaged or not there.
        """
        with mapped(CorruptFileError, "cannot be read", path=path):
            return read_checkpoint(values_of(_folder(path)))

    def survey(self, path: Path) -> Survey:
        """Return what is in any SavedModel, and why it does not load.

        Raises:
            UnreadableError: It is damaged.
        """
        with mapped(CorruptFileError, "cannot be read", path=path):
            saved = open_saved(_folder(path))
            return survey_of(saved, partial(read_saved, saved))


SAVED_MODEL = SavedModelFormat()


def _folder(path: Path) -> Path:
    return path.parent if path.name in ("saved_model.pb", "saved_model.pbtxt") else path
