"""Where the checkpoint of a SavedModel keeps each variable and table of its object graph.

A key is the shortest path to a variable at the time of saving: the kernel of an LSTM is
``layer_with_weights-0/cell/kernel`` in one file and ``variables/1`` in the next. So keys are never
read as paths. The checkpoint holds an object graph of its own (``TrackableObjectGraph``), and the
two are walked side by side, by the names of the children.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

from kport.errors import CorruptFileError
from kport_compat.savedmodel._graph import Graph
from kport_compat.tensorbundle import Bundle, Tracked, tracked_objects

__all__ = ["checkpoint_keys", "table_keys"]


def checkpoint_keys(graph: Graph, bundle: Bundle) -> Mapping[int, str]:
    """Return the number of each variable -> its key; variables without a value are left out.

    Raises:
        CorruptFileError: The checkpoint has no object graph, or names what it does not hold.
    """
    return {
        ours: theirs.key
        for ours, theirs in _pairs(graph, bundle)
        if theirs.key is not None and graph.nodes[ours].variable is not None
    }


def table_keys(graph: Graph, bundle: Bundle) -> Mapping[int, str]:
    """Return the number of each table that can change -> what its two keys begin with."""
    keys = {ours: theirs.keys.get("table") for ours, theirs in _pairs(graph, bundle)}
    return {
        ours: key
        for ours, key in keys.items()
        if key is not None and {f"{key}-keys", f"{key}-values"} <= bundle.entries.keys()
    }


def _pairs(graph: Graph, bundle: Bundle) -> Iterator[tuple[int, Tracked]]:
    """Yield the objects that both graphs have."""
    tracked = tracked_objects(bundle)
    if not tracked:
        raise CorruptFileError("has variables without an object graph")
    pairs = {0: 0}
    waiting = deque([0])
    while waiting:
        ours = waiting.popleft()
        theirs = tracked[pairs[ours]]
        yield ours, theirs
        for name, child in graph.nodes[ours].children.items():
            if name in theirs.children and child not in pairs:
                pairs[child] = theirs.children[name]
                waiting.append(child)
