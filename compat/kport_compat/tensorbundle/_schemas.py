"""The protobuf messages of a checkpoint, as far as kport reads them.

``tensorflow/core/protobuf/{tensor_bundle,trackable_object_graph}.proto`` and
``tensorflow/core/framework/{tensor_shape,tensor_slice}.proto``, TensorFlow 2.15.
"""

from __future__ import annotations

from kport_compat.tensorbundle._dtypes import type_name
from kport_compat.tensorbundle._wire import Field, Message, Schema

__all__ = [
    "CHILDREN",
    "ENTRY",
    "GRAPH_KEY",
    "HEADER",
    "SHAPE",
    "SLICE",
    "TRACKABLE_GRAPH",
    "described",
    "dimensions",
]

GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
"""The string tensor that holds the TrackableObjectGraph of an object-based checkpoint."""

SHAPE: Schema = {
    2: Field("dim", "message", many=True, of={1: Field("size", "int")}),
    3: Field("unknown_rank", "bool"),
}

HEADER: Schema = {1: Field("num_shards", "int"), 2: Field("endianness", "int")}

_EXTENT: Schema = {1: Field("start", "int"), 2: Field("length", "int")}

SLICE: Schema = {1: Field("extent", "message", many=True, of=_EXTENT)}

ENTRY: Schema = {
    1: Field("dtype", "int"),
    2: Field("shape", "message", of=SHAPE),
    3: Field("shard_id", "int"),
    4: Field("offset", "int"),
    5: Field("size", "int"),
    6: Field("crc32c", "fixed32"),
    7: Field("slices", "message", many=True, of=SLICE),
}

CHILDREN = Field(
    "children",
    "message",
    many=True,
    of={1: Field("node_id", "int"), 2: Field("local_name", "text")},
)

_ATTRIBUTE: Schema = {
    1: Field("name", "text"),
    2: Field("full_name", "text"),
    3: Field("checkpoint_key", "text"),
}

_SLOT: Schema = {
    1: Field("original", "int"),
    2: Field("name", "text"),
    3: Field("variable", "int"),
}

TRACKABLE_GRAPH: Schema = {
    1: Field(
        "nodes",
        "message",
        many=True,
        of={
            1: CHILDREN,
            2: Field("attributes", "message", many=True, of=_ATTRIBUTE),
            3: Field("slot_variables", "message", many=True, of=_SLOT),
        },
    )
}


def described(dtype: int, shape: Message) -> str:
    """Return the dtype and shape of a tensor for a person: ``float32[?, 3]``."""
    name = type_name(dtype) or f"type {dtype}"
    if shape.get("unknown_rank"):
        return f"{name}[...]"
    return f"{name}[{', '.join('?' if one is None else str(one) for one in dimensions(shape))}]"


def dimensions(shape: Message) -> tuple[int | None, ...]:
    """Return the sizes of a TensorShapeProto, None for a free one."""
    sizes = (one.get("size", 0) for one in shape.get("dim", []))
    return tuple(None if size < 0 else size for size in sizes)
