"""SavedModels of Keras 2, as a plug-in format of kport; no TensorFlow needed."""

from kport_compat.savedmodel._format import SAVED_MODEL, SavedModelFormat

__all__ = ["SAVED_MODEL", "SavedModelFormat"]
