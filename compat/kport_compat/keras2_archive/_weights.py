"""Read ``model.save_weights("x.weights.h5")`` of Keras 2.12 and later: weights and no model.

The file is what an archive has as ``model.weights.h5``; Keras 3 writes the same.
"""

from __future__ import annotations

from pathlib import Path

from kport.checkpoint import Checkpoint, Holds, ModelSpec, Naming
from kport.errors import CorruptFileError, KportError, mapped
from kport.formats._mapped import MappedFile
from kport.formats.hdf5 import SIGNATURE, group_names, open_file, stored_arrays
from kport_compat._reading import ReadOnly
from kport_compat.keras2_archive._paths import keras_3_paths
from kport_compat.keras2_archive._tensors import tensors_of

__all__ = ["KERAS_WEIGHTS", "KerasWeights"]

_LEGACY = ("model_config", "layer_names", "layer_names0")  # attributes of the format before


class KerasWeights(ReadOnly):
    """The format object; see `kport.formats.Format`."""

    name = "keras_weights"
    title = "Keras weights (.weights.h5)"

    def recognises(self, path: Path) -> bool:
        """Say whether it is an HDF5 file of Keras's weights, and not of the older layout."""
        try:
            if not path.is_file():
                return False
            with path.open("rb") as file:
                if file.read(len(SIGNATURE)) != SIGNATURE:
                    return False
            with mapped(CorruptFileError, "cannot be read"):
                return _recognises(path)
        except (KportError, OSError):
            return False

    def read(self, path: Path) -> Checkpoint:
        """Return the weights, unread, under the paths of Keras 3.

        Raises:
            CorruptFileError: It is damaged.
            UnsafeFileError: It leads out of itself.
        """
        with mapped(CorruptFileError, "cannot be read", path=path):
            backing = MappedFile(path)
            root = open_file(MappedFile(path))
            arrays = stored_arrays(root, backing)
            tensors, notes = tensors_of(arrays, keras_3_paths(group_names(root), arrays), None)
        return Checkpoint(
            spec=ModelSpec(config={}),
            tensors=tensors,
            naming=Naming.KERAS_2,
            provenance={"source": "Keras weights"},
            notes=tuple(notes),
            holds=Holds.WEIGHTS,
        )


KERAS_WEIGHTS = KerasWeights()


def _recognises(path: Path) -> bool:
    root = open_file(MappedFile(path))
    if any(name in root.attributes for name in _LEGACY) or "model_weights" in root:
        return False
    return any(name in root for name in ("vars", "layers", "_layer_checkpoint_dependencies"))
