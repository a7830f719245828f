"""Arrows between a Checkpoint and a live Keras model; the rooms that import Keras.

Importing this package imports Keras with the backend of ``KERAS_BACKEND``; the public functions of
`kport` do so at their first call.
"""

from kport.model._build import build, build_part, report_of
from kport.model._capture import capture
from kport.model._freeze import freeze, unfreeze
from kport.model._load_into import load_into
from kport.model._sample import compute_dtypes, run_sample
from kport.model.backends import processes
from kport.model.backends._files import values_in_files

__all__ = [
    "build",
    "build_part",
    "capture",
    "compute_dtypes",
    "freeze",
    "load_into",
    "processes",
    "report_of",
    "run_sample",
    "unfreeze",
    "values_in_files",
]
