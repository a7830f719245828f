"""Look through a SavedModel, whether it loads or not: signatures, operations, layers, values.

Memory: an entry for each node of its graphs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from kport.checkpoint import JSON, Checkpoint, Holds, ModelSpec, Naming
from kport.errors import KportError, Problem
from kport.formats import Survey
from kport_compat.savedmodel._graph import Graph
from kport_compat.savedmodel._names import layers_of, name_variables
from kport_compat.savedmodel._provenance import provenance
from kport_compat.savedmodel._saved import Saved
from kport_compat.savedmodel._schemas import GRAPH_OPERATIONS
from kport_compat.savedmodel._signatures import signatures_of
from kport_compat.tensorbundle import Bundle, Message, decode
from kport_compat.tfcheckpoint import checkpoint_of

__all__ = ["survey_of"]


def survey_of(saved: Saved, read: Callable[[], Checkpoint]) -> Survey:
    """Return what is in a SavedModel.

    Arguments:
        saved: It.
        read: Gives its Checkpoint, or raises the reason why there is none.
    """
    meta, graph, bundle = saved.meta, saved.graph, saved.bundle
    obstacles: list[str] = []
    try:
        checkpoint = read()
    except KportError as error:
        obstacles += [error.message, *(str(one) for one in error.problems if _is_reason(one))]
        checkpoint = _without_model(meta, graph, bundle)
    else:
        if checkpoint.holds is Holds.WEIGHTS:  # classes without a config
            obstacles += [f"{note.name}: {note.detail}" for note in checkpoint.notes]
    return Survey(
        checkpoint=checkpoint,
        signatures=tuple(signatures_of(meta)),
        operations=_operations(meta),
        layers=tuple(_layers(graph)),
        obstacles=tuple(obstacles),
    )


def _layers(graph: Graph | None) -> Iterator[tuple[str, str]]:
    if graph is not None and graph.nodes and not layers_of(graph, 0):
        for number, path in name_variables(graph).layers.items():
            if path:
                yield path, str(graph.metadata(number).get("class_name") or "")


def _operations(meta: Message) -> dict[str, int]:
    found = decode(meta.get("graph", b""), GRAPH_OPERATIONS, "the graph")
    functions = found.get("library", {}).get("functions", [])
    nodes = [found.get("nodes", []), *(one.get("nodes", []) for one in functions)]
    counts = Counter(node.get("op", "") for group in nodes for node in group)
    return dict(counts.most_common())


def _is_reason(problem: Problem) -> bool:
    """Whether it says why, and is no list of what else is in the file."""
    return not problem.place.startswith(("signature ", "variable "))


def _without_model(meta: Message, graph: Graph | None, bundle: Bundle | None) -> Checkpoint:
    about = graph.metadata(0) if graph is not None and graph.nodes else {}
    config: JSON = {}
    if about.get("class_name"):
        inner = about.get("config")
        config = {
            "class_name": str(about["class_name"]),
            "config": inner if isinstance(inner, dict) else {},
        }
    values = None if bundle is None else checkpoint_of(bundle)
    return Checkpoint(
        spec=ModelSpec(config=config),
        tensors={} if values is None else values.tensors,
        naming=Naming.OBJECTS,
        provenance=provenance(meta, about),
        notes=() if values is None else values.notes,
        holds=Holds.DEFINITION if values is None else Holds.WEIGHTS,
    )
