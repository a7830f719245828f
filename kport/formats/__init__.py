"""Arrows between bytes and a Checkpoint; no Keras and no backend in here.

Example:
    >>> from kport import formats
    >>> formats.detect("examples/legacy/digits.h5").title
    'Keras H5 (Keras 1/2)'
"""

from kport.formats._atomic import clear_leftovers
from kport.formats._format import Format, WriteOptions
from kport.formats._group import Group
from kport.formats._integrity import Integrity
from kport.formats._registry import GROUP, Registry, StrPath, local_path
from kport.formats._survey import Signature, Survey
from kport.formats._urls import RegistryWithUrls
from kport.formats.bundle import BUNDLE
from kport.formats.keras_archive import KERAS

__all__ = [
    "FORMATS",
    "GROUP",
    "Format",
    "Group",
    "Integrity",
    "Registry",
    "Signature",
    "StrPath",
    "Survey",
    "WriteOptions",
    "check",
    "clear_leftovers",
    "detect",
    "for_target",
    "local_path",
    "read",
    "read_part",
    "read_weights",
    "survey",
    "write",
    "write_part",
]

FORMATS = RegistryWithUrls((BUNDLE, KERAS), GROUP)
"""The formats of this process."""

check = FORMATS.check
detect = FORMATS.detect
for_target = FORMATS.for_target
read = FORMATS.read
read_part = FORMATS.read_part
read_weights = FORMATS.read_weights
survey = FORMATS.survey
write = FORMATS.write
write_part = FORMATS.write_part
