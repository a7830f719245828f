"""The object graph of a checkpoint: who held whom under which name when it was saved.

``tensorflow/core/protobuf/trackable_object_graph.proto``, TensorFlow 2.15. Nodes carry no class.
Every edge is checked once, so whoever walks can trust them; there may be cycles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kport.errors import CorruptFileError
from kport_compat.tensorbundle._bundle import Bundle
from kport_compat.tensorbundle._schemas import GRAPH_KEY, TRACKABLE_GRAPH
from kport_compat.tensorbundle._wire import Message, decode

__all__ = ["Tracked", "tracked_objects"]

VALUE = "VARIABLE_VALUE"


@dataclass(frozen=True, slots=True)
class Tracked:
    """An object of the program that saved the checkpoint.

    Arguments:
        children: Local name -> number of the object.
        keys: What it stored, such as ``VARIABLE_VALUE`` -> the key of the tensor.
        full_name: The name of the variable, empty for other objects.
        slots: For an optimizer: variable, slot name and the variable that is the slot.
    """

    children: Mapping[str, int]
    keys: Mapping[str, str]
    full_name: str = ""
    slots: tuple[tuple[int, str, int], ...] = ()

    @property
    def key(self) -> str | None:
        """The key of its value, None where it is no variable."""
        return self.keys.get(VALUE)


def tracked_objects(bundle: Bundle) -> tuple[Tracked, ...]:
    """Return all objects, the root first; empty where a checkpoint knows names only.

    Raises:
        CorruptFileError: The graph is damaged, or names what the checkpoint does not hold.
    """
    if GRAPH_KEY not in bundle.entries:
        return ()
    data = bundle.texts(GRAPH_KEY)
    found = decode(data[0] if data else b"", TRACKABLE_GRAPH, "the object graph").get("nodes", [])
    objects = tuple(map(_tracked, found))
    ends = [end for one in objects for end in _ends(one)]
    if not objects or not all(0 <= end < len(objects) for end in ends):
        raise CorruptFileError(
            f"has an object graph of {len(objects)} objects and an edge out of it"
        )
    lost = [one.key for one in objects if one.key is not None and one.key not in bundle.entries]
    if lost:
        raise CorruptFileError(f"names the tensor {lost[0]!r} and does not hold it")
    return objects


def _tracked(node: Message) -> Tracked:
    attributes = node.get("attributes", [])
    names = [one.get("full_name", "") for one in attributes if one.get("name") == VALUE]
    slots = node.get("slot_variables", [])
    return Tracked(
        {one.get("local_name", ""): one.get("node_id", 0) for one in node.get("children", [])},
        {one.get("name", ""): one.get("checkpoint_key", "") for one in attributes},
        names[0] if names else "",
        tuple(
            (one.get("original", 0), one.get("name", ""), one.get("variable", 0)) for one in slots
        ),
    )


def _ends(one: Tracked) -> Iterator[int]:
    yield from one.children.values()
    for original, _, variable in one.slots:
        yield from (original, variable)
