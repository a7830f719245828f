"""Whole-model HDF5 files of Keras 1, Keras 2 and tf.keras, as a plug-in format of kport."""

from kport_compat.h5._format import H5, H5Format

__all__ = ["H5", "H5Format"]
