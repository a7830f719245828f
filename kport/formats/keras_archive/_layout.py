"""The ``.keras`` archive: its members and their names.

A zip archive of stored members, laid down in ``keras/src/saving/saving_lib.py`` (Keras 3.15.1):

=====================  ==========================================================================
``metadata.json``      ``{"keras_version": ..., "date_saved": ...}``
``config.json``        the serialized model
``model.weights.h5``   HDF5: ``<object path>/vars/<key>``, one dataset a value
``assets/...``         files of layers: vocabularies
``kport.safetensors``  kport's own member, which Keras ignores: the attribute path of every value
                       in its one metadata key, and the values that Keras has no place for
=====================  ==========================================================================

`kport.safetensors` makes the archive as exact as a bundle; without it the archive is one that
plain Keras wrote, and values are found by their Keras paths.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "ASSETS",
    "CONFIG",
    "EXTRAS",
    "EXTRAS_KEY",
    "EXTRAS_VERSION",
    "METADATA",
    "SAMPLE",
    "WEIGHTS",
    "WEIGHTS_NPZ",
    "ZIP_DATE",
]

METADATA: Final = "metadata.json"
CONFIG: Final = "config.json"
WEIGHTS: Final = "model.weights.h5"
WEIGHTS_NPZ: Final = "model.weights.npz"
ASSETS: Final = "assets/"
EXTRAS: Final = "kport.safetensors"
EXTRAS_KEY: Final = "kport"
"""The one metadata key of `EXTRAS`; its value is JSON."""
EXTRAS_VERSION: Final = 1
SAMPLE: Final = "sample/"
"""What the names of the sample's arrays begin with; no attribute path has a slash there."""
ZIP_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""The zip format has no way to leave the time out; the earliest it knows says nothing."""
