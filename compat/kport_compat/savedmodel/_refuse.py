"""Say what a SavedModel is when it is none that Keras can have back."""

from __future__ import annotations

from collections.abc import Iterator

from kport.errors import Problem, UnreadableError
from kport.formats._json import shown
from kport_compat.savedmodel._graph import Graph
from kport_compat.savedmodel._signatures import signatures_of
from kport_compat.tensorbundle import Bundle, Message

__all__ = ["not_keras", "origin", "signatures"]


def not_keras(meta: Message, graph: Graph | None, bundle: Bundle | None) -> UnreadableError:
    """Return the error that names what it is, its signatures and its variables."""
    problems = [*signatures(meta), *_variables(bundle)]
    return UnreadableError(
        f"is a SavedModel that holds no Keras model: {origin(meta, graph)}",
        problems=problems,
        remedy="Its computation is a traced graph without layers. Call it with TensorFlow "
        "(keras.layers.TFSMLayer), or save the Keras model it was exported from. Its values alone: "
        "kport convert SAVED_MODEL BUNDLE --weights-only.",
    )


def origin(meta: Message, graph: Graph | None) -> str:
    """Return what kind of SavedModel without Keras layers it is, and who wrote it."""
    version = meta.get("info", {}).get("tensorflow", "of an unknown version")
    if graph is None or not graph.nodes:
        return (
            f"TensorFlow {version} wrote a graph without objects (TF1, an Estimator or a TF1 hub)"
        )
    children = sorted(graph.nodes[0].children)
    if "_endpoint_names" in children:
        return f"Keras 3 exported it for serving (model.export), with TensorFlow {version}"
    shown_children = ", ".join(children[:6]) or "nothing"
    return f"TensorFlow {version} wrote a tf.Module or a plain object with {shown_children}"


def signatures(meta: Message) -> Iterator[Problem]:
    """Yield what the functions for serving take and give."""
    for one in signatures_of(meta):
        inputs, outputs = (
            ", ".join(f"{name}: {what}" for name, what in side.items())
            for side in (one.inputs, one.outputs)
        )
        yield Problem(f"signature {shown(one.name)}", f"({inputs}) -> ({outputs})")


def _variables(bundle: Bundle | None) -> Iterator[Problem]:
    if bundle is None:
        yield Problem("variables", "none: the folder is not there", "missing")
        return
    for key, entry in bundle.entries.items():
        if entry.dtype not in (None, "string"):
            name = key.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE")
            yield Problem(f"variable {shown(name)}", f"{entry.dtype}{list(entry.shape)}")
