"""The protobuf messages of a SavedModel, as far as kport reads them.

``tensorflow/core/protobuf/`` (saved_model, meta_graph, saved_object_graph) of TensorFlow 2.15 and
``keras/protobuf/saved_metadata.proto`` of Keras 2.12. The graphs themselves (``graph_def``,
``tensorflow/core/framework/``) are nine tenths of the bytes and say nothing about layers; they are
kept as bytes, and looked into for the constants of lookup tables and to count operations alone.
"""

from __future__ import annotations

from kport_compat.tensorbundle import CHILDREN, SHAPE, Field, Schema

__all__ = [
    "FUNCTION",
    "FUNCTIONS",
    "FUNCTION_NAME",
    "GRAPH_NODES",
    "GRAPH_OPERATIONS",
    "KERAS_METADATA",
    "OBJECT_GRAPH",
    "SAVED_MODEL",
]

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
    2: Field("graph", "bytes"),
    5: Field("signatures", "map", of=_SIGNATURE),
    6: Field("assets", "message", many=True, of={2: Field("filename", "text")}),
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
            5: Field("asset", "message", of={1: Field("index", "int")}),
            6: Field("function", "message", of={1: Field("concrete", "text", many=True)}),
            7: Field("variable", "message", of=_VARIABLE),
            9: Field("constant", "message", of={1: Field("operation", "text")}),
        },
    ),
    2: Field("functions", "map", of={2: Field("bound_inputs", "int", many=True)}),
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

_CONTENT: Schema = {
    1: Field("dtype", "int"),
    2: Field("shape", "message", of=SHAPE),
    4: Field("content", "bytes"),
    7: Field("int32", "int", many=True),
    8: Field("string", "bytes", many=True),
    10: Field("int64", "int", many=True),
}

_ATTRIBUTE: Schema = {
    2: Field("text", "bytes"),
    3: Field("int", "int"),
    8: Field("tensor", "message", of=_CONTENT),
}

_NODE: Schema = {
    1: Field("name", "text"),
    2: Field("op", "text"),
    3: Field("inputs", "text", many=True),
    5: Field("attributes", "map", of=_ATTRIBUTE),
}

_OPERATION = Field("nodes", "message", many=True, of={2: Field("op", "text")})

GRAPH_OPERATIONS: Schema = {
    1: _OPERATION,
    2: Field(
        "library",
        "message",
        of={1: Field("functions", "message", many=True, of={3: _OPERATION})},
    ),
}

GRAPH_NODES: Schema = {1: Field("nodes", "message", many=True, of=_NODE)}

FUNCTIONS: Schema = {
    2: Field("library", "message", of={1: Field("functions", "bytes", many=True)}),
}

FUNCTION_NAME: Schema = {1: Field("signature", "message", of={1: Field("name", "text")})}

FUNCTION: Schema = {
    1: Field(
        "signature",
        "message",
        of={2: Field("arguments", "message", many=True, of={1: Field("name", "text")})},
    ),
    3: Field("nodes", "message", many=True, of=_NODE),
}
