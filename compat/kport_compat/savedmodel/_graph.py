"""The object graph of a SavedModel: who holds whom under which name.

Nodes are plain data; edges are checked once, so whoever walks can trust them. A graph has cycles
and shared nodes, and a hostile one has as many as its bytes allow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kport.checkpoint import JSON
from kport.errors import CorruptFileError
from kport.formats._json import parse_json
from kport_compat.savedmodel._schemas import KERAS_METADATA, OBJECT_GRAPH
from kport_compat.tensorbundle import Bytes, Message, decode

__all__ = ["Graph", "Node", "read_graph"]


@dataclass(frozen=True, slots=True)
class Node:
    """An object, a list, a dict or a variable of the saved model.

    Arguments:
        identifier: The kind of object: ``_tf_keras_layer``, ``trackable_list_wrapper``, ...
        children: Local name -> number of the node.
        variable: Name of the variable, None where the node is none.
        trainable: Whether the variable is made to be trained.
        metadata: What Keras wrote about it, as JSON text.
        functions: The names of its traced functions, where it is one.
        constant: The node of the main graph that holds its value, where it is a constant.
        asset: The number of its file, where it is an asset.
    """

    identifier: str
    children: Mapping[str, int]
    variable: str | None
    trainable: bool
    metadata: str
    functions: tuple[str, ...] = ()
    constant: str | None = None
    asset: int | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """All nodes; the model itself is the first.

    Arguments:
        nodes: The nodes.
        bound: Name of a traced function -> the nodes whose values are its last arguments.
    """

    nodes: tuple[Node, ...]
    bound: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    _parsed: dict[int, JSON] = field(default_factory=dict)

    def child(self, number: int, *names: str) -> int | None:
        """Return the node that a path of names leads to, None where it ends early."""
        for name in names:
            if name not in self.nodes[number].children:
                return None
            number = self.nodes[number].children[name]
        return number

    def members(self, number: int | None) -> list[int]:
        """Return the elements of a list node, in their order."""
        if number is None:
            return []
        children = self.nodes[number].children
        return [children[name] for name in sorted(filter(_is_number, children), key=int)]

    def metadata(self, number: int) -> JSON:
        """Return what Keras wrote about a node, in the form that H5 files have it.

        Raises:
            CorruptFileError: It is no JSON object.
        """
        if number not in self._parsed:
            text = self.nodes[number].metadata
            value = (
                parse_json(text.encode(), f"the Keras metadata of node {number}") if text else {}
            )
            if not isinstance(value, dict):
                raise CorruptFileError(f"has Keras metadata of node {number} that is no object")
            self._parsed[number] = _plain(value)
        return self._parsed[number]


def read_graph(objects: Bytes, keras: Bytes | None) -> Graph:
    """Return the object graph.

    Arguments:
        objects: A SavedObjectGraph.
        keras: The content of ``keras_metadata.pb``; None where there is no such file, as before
            TensorFlow 2.5, when each node carried its own metadata.

    Raises:
        CorruptFileError: They are damaged, or an edge leads nowhere.
    """
    whole = decode(objects, OBJECT_GRAPH, "the object graph")
    found = whole.get("nodes", [])
    written: dict[int, Message] = {}
    if keras is not None:
        listed = decode(keras, KERAS_METADATA, "keras_metadata.pb").get("nodes", [])
        written = {one.get("node_id", 0): one for one in listed}
    bound = {
        name: tuple(one.get("bound_inputs", ())) for name, one in whole.get("functions", {}).items()
    }
    if not all(0 <= one < len(found) for ends in bound.values() for one in ends):
        raise CorruptFileError(f"has an object graph of {len(found)} nodes and an edge out of it")
    nodes = tuple(_node(one, written.get(at, {}), len(found)) for at, one in enumerate(found))
    return Graph(nodes, bound)


def _node(found: Message, keras: Message, count: int) -> Node:
    children = {
        one.get("local_name", ""): one.get("node_id", 0) for one in found.get("children", [])
    }
    if not all(0 <= one < count for one in children.values()):
        raise CorruptFileError(f"has an object graph of {count} nodes and an edge out of it")
    user, variable = found.get("user", {}), found.get("variable")
    return Node(
        identifier=keras.get("identifier") or user.get("identifier", ""),
        children=children,
        variable=None if variable is None else variable.get("name", ""),
        trainable=bool(variable and variable.get("trainable")),
        metadata=keras.get("metadata") or user.get("metadata", ""),
        functions=tuple(found.get("function", {}).get("concrete", ())),
        constant=found.get("constant", {}).get("operation"),
        asset=found["asset"].get("index", 0) if "asset" in found else None,
    )


def _plain(value: Any) -> Any:
    """Undo what Keras wraps for SavedModels only: tuples and shapes are lists in H5 files."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") in ("__tuple__", "TensorShape") and "items" in value:
        return _plain(value["items"])
    return {key: _plain(one) for key, one in value.items()}


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdecimal() and len(name) < 10
