"""Where the checkpoint of a SavedModel keeps each variable of its object graph.

A key is the shortest path to a variable at the time of saving: the kernel of an LSTM is
``layer_with_weights-0/cell/kernel`` in one file and ``variables/1`` in the next. So keys are never
read as paths. The checkpoint holds an object graph of its own (``TrackableObjectGraph``), and the
two are walked side by side, by the names of the children.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from kport.errors import CorruptFileError
from kport_compat.savedmodel._graph import Graph
from kport_compat.tensorbundle import GRAPH_KEY, TRACKABLE_GRAPH, Bundle, decode

__all__ = ["checkpoint_keys"]

_VALUE = "VARIABLE_VALUE"

Tracked = list[dict[str, Any]]


def checkpoint_keys(graph: Graph, bundle: Bundle) -> Mapping[int, str]:
    """Return the number of each variable -> its key; variables without a value are left out.

    Raises:
        CorruptFileError: The checkpoint has no object graph, or names what it does not hold.
    """
    tracked = _tracked(bundle)
    pairs = {0: 0}
    waiting = deque([0])
    while waiting:
        ours = waiting.popleft()
        theirs = tracked[pairs[ours]]
        edges = {one.get("local_name", ""): one.get("node_id", 0) for one in theirs["children"]}
        for name, child in graph.nodes[ours].children.items():
            if name in edges and child not in pairs:
                pairs[child] = edges[name]
                waiting.append(child)
    keys: dict[int, str] = {}
    for ours, place in pairs.items():
        key = _key(tracked[place])
        if key is not None and graph.nodes[ours].variable is not None:
            if key not in bundle.entries:
                raise CorruptFileError(f"names the tensor {key!r} and does not hold it")
            keys[ours] = key
    return keys


def _tracked(bundle: Bundle) -> Tracked:
    if GRAPH_KEY not in bundle.entries:
        raise CorruptFileError("has variables without an object graph")
    data = bundle.texts(GRAPH_KEY)
    found = decode(data[0] if data else b"", TRACKABLE_GRAPH, "the object graph")
    nodes = [{"children": [], "attributes": []} | one for one in found.get("nodes", [])]
    ends = [one.get("node_id", 0) for node in nodes for one in node["children"]]
    if not nodes or not all(0 <= one < len(nodes) for one in ends):
        raise CorruptFileError("has an object graph with an edge out of it")
    return nodes


def _key(node: dict[str, Any]) -> str | None:
    for one in node["attributes"]:
        if one.get("name") == _VALUE:
            return str(one.get("checkpoint_key", ""))
    return None
