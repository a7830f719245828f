"""The protobuf messages of a SavedModel, as far as kport reads them.

``tensorflow/core/protobuf/`` (saved_model, meta_graph, saved_object_graph) of TensorFlow 2.15 and
``keras/protobuf/saved_metadata.proto`` of Keras 2.12. The graphs themselves (``graph_def``) and the
traced functions are stepped over: they are nine tenths of the bytes and say nothing about layers.
"""

from __future__ import annotations

from kport_compat.tensorbundle import CHILDREN, SHAPE, Field, Schema

__all__ = ["KERAS_METADATA", "OBJECT_GRAPH", "SAVED_MODEL"]

_TENSOR: Schema = {
    1: Field("name", "text"),
    2: Field("dtype", "int"),
    3: Field("shape", "message", of=SHAPE),
}

_SIGNATURE: Schema = {
    1: Field("inputs", "map", of=_TENSOR),
    2: Field("outputs", "map", of=_TENSOR),
    3: Field("method", "text"),
}

_META_GRAPH: Schema = {
    1: Field(
        "info",
        "message",
        of={4: Field("tags", "text", many=True), 5: Field("tensorflow", "text")},
    ),
    5: Field("signatures", "map", of=_SIGNATURE),
    7: Field("objects", "bytes"),
}

SAVED_MODEL: Schema = {2: Field("meta_graphs", "message", many=True, of=_META_GRAPH)}

_USER_OBJECT: Schema = {1: Field("identifier", "text"), 3: Field("metadata", "text")}

_VARIABLE: Schema = {
    1: Field("dtype", "int"),
    2: Field("shape", "message", of=SHAPE),
    3: Field("trainable", "bool"),
    6: Field("name", "text"),
}

OBJECT_GRAPH: Schema = {
    1: Field(
        "nodes",
        "message",
        many=True,
        of={
            1: CHILDREN,
            4: Field("user", "message", of=_USER_OBJECT),
            7: Field("variable", "message", of=_VARIABLE),
        },
    )
}

KERAS_METADATA: Schema = {
    1: Field(
        "nodes",
        "message",
        many=True,
        of={
            2: Field("node_id", "int"),
            4: Field("identifier", "text"),
            5: Field("metadata", "text"),
        },
    )
}
