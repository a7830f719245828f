"""TensorFlow checkpoints (TensorBundle) read without TensorFlow."""

from kport_compat.tensorbundle._bundle import Bundle, Entry
from kport_compat.tensorbundle._files import find_index, is_index, is_pointer, refuse_pointer
from kport_compat.tensorbundle._schemas import (
    CHILDREN,
    GRAPH_KEY,
    SHAPE,
    TRACKABLE_GRAPH,
    dimensions,
)
from kport_compat.tensorbundle._varint import Bytes
from kport_compat.tensorbundle._wire import Field, Message, Schema, decode

__all__ = [
    "CHILDREN",
    "GRAPH_KEY",
    "SHAPE",
    "TRACKABLE_GRAPH",
    "Bundle",
    "Bytes",
    "Entry",
    "Field",
    "Message",
    "Schema",
    "decode",
    "dimensions",
    "find_index",
    "is_index",
    "is_pointer",
    "refuse_pointer",
]
