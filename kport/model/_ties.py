"""Variables that a config does not bring back as they were: shared ones, and of another dtype."""

from __future__ import annotations

from collections.abc import Mapping

from kport.checkpoint import LazyTensor
from kport.model._keras_variables import share_variable, track_again, variable_like
from kport.model._walk import Walk

__all__ = ["retype", "tie_again"]


def tie_again(found: Walk, ties: Mapping[str, str]) -> bool:
    """Make variables one that were one, where the config has made two of them; say whether any.

    Arguments:
        found: A model that was just constructed and built.
        ties: Second name -> first name of a variable.
    """
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
        track_again(layer for _, layer in found.layers())
    return bool(apart)


def retype(found: Walk, tensors: Mapping[str, LazyTensor]) -> bool:
    """Give variables the floating-point dtype that they have in the file; say whether to any.

    A layer that Keras builds before anyone can set its dtype policy makes them of another one.
    """
    changed = False
    for name, variable in found.variables.items():
        stored = tensors[name].dtype if name in tensors else variable.dtype
        both_float = "float" in stored and "float" in variable.dtype
        if stored != variable.dtype and both_float and id(variable) in found.makers:
            share_variable(found.makers[id(variable)], variable, variable_like(variable, stored))
            changed = True
    if changed:
        track_again(layer for _, layer in found.layers())
    return changed
