"""What an old file says about training, in the words of Keras 3's optimizers."""

from kport_compat.training._listed import variable_by_variable
from kport_compat.training._named import named_state
from kport_compat.training._standalone import training_of
from kport_compat.training._tracked import StateGraph, tracked_state

__all__ = ["StateGraph", "named_state", "tracked_state", "training_of", "variable_by_variable"]
