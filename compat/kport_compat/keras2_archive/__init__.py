"""The ``.keras`` archive and ``.weights.h5`` of Keras 2.12 to 2.15, as plug-in formats of kport."""

from kport_compat.keras2_archive._format import KERAS2_ARCHIVE, Keras2Archive
from kport_compat.keras2_archive._weights import KERAS_WEIGHTS, KerasWeights

__all__ = ["KERAS2_ARCHIVE", "KERAS_WEIGHTS", "Keras2Archive", "KerasWeights"]
