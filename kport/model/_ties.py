"""Share again what was shared when the model was saved."""

from __future__ import annotations

from collections.abc import Mapping

import keras

from kport.model._keras import share_variable, track_again
from kport.model._walk import walk

__all__ = ["tie_again"]


def tie_again(model: keras.Model, ties: Mapping[str, str]) -> None:
    """Make variables one that were one, where the config has made two of them.

    Arguments:
        model: A model that was just constructed and built.
        ties: Second name -> first name of a variable.
    """
    found = walk(model)
    apart = {
        second: first
        for second, first in ties.items()
        if first in found.variables and second in found.variables
    }
    for second, first in apart.items():
        old, new = found.variables[second], found.variables[first]
        if old.shape == new.shape and id(old) in found.makers:
            share_variable(found.makers[id(old)], old, new)
    if apart:
        track_again(model)
