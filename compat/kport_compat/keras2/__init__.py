"""Keras 2 configs made into Keras 3 configs, as data and without importing Keras."""

from kport_compat.keras2._adapted import (
    give_boundaries,
    give_vocabulary,
    wants_boundaries,
    wants_vocabulary,
)
from kport_compat.keras2._log import version_of
from kport_compat.keras2._models import renamed
from kport_compat.keras2._names import module_of
from kport_compat.keras2._optimizers import LOSS_SCALES
from kport_compat.keras2._outline import outline
from kport_compat.keras2._translate import Translation, translate, translate_layer

__all__ = [
    "LOSS_SCALES",
    "Translation",
    "give_boundaries",
    "give_vocabulary",
    "module_of",
    "outline",
    "renamed",
    "translate",
    "translate_layer",
    "version_of",
    "wants_boundaries",
    "wants_vocabulary",
]

"""Last parts of the names of weights that only Keras 2 has, whatever the layer."""
