"""TensorFlow checkpoints (TensorBundle) read without TensorFlow."""

from kport_compat.tensorbundle._bundle import Bundle, Entry
from kport_compat.tensorbundle._dtypes import STRING
from kport_compat.tensorbundle._files import (
    find_index,
    is_index,
    is_pointer,
    names_checkpoint,
    refuse_pointer,
)
from kport_compat.tensorbundle._first_version import FirstVersion
from kport_compat.tensorbundle._schemas import (
    CHILDREN,
    GRAPH_KEY,
    SHAPE,
    TRACKABLE_GRAPH,
    described,
    dimensions,
)
from kport_compat.tensorbundle._tracked import Tracked, tracked_objects
from kport_compat.tensorbundle._varint import Bytes
from kport_compat.tensorbundle._wire import Field, Message, Schema, decode

__all__ = [
    "CHILDREN",
    "GRAPH_KEY",
    "SHAPE",
    "STRING",
    "TRACKABLE_GRAPH",
    "Bundle",
    "Bytes",
    "Entry",
    "Field",
    "FirstVersion",
    "Message",
    "Schema",
    "Tracked",
    "decode",
    "described",
    "dimensions",
    "find_index",
    "is_index",
    "is_pointer",
    "names_checkpoint",
    "refuse_pointer",
    "tracked_objects",
]
