"""Safetensors files that are no kport bundle, as a plug-in format of kport."""

from kport_compat.tensor_files._format import TENSOR_FILES, TensorFiles

__all__ = ["TENSOR_FILES", "TensorFiles"]
