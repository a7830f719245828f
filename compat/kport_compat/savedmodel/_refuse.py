"""Say what a SavedModel is when it is none that Keras can have back."""

from __future__ import annotations

from collections.abc import Iterator

from kport.errors import Problem, UnreadableError
from kport.formats._json import shown
from kport_compat.savedmodel._graph import Graph
from kport_compat.savedmodel._kinds import kind_of
from kport_compat.savedmodel._signatures import signatures_of
from kport_compat.tensorbundle import Bundle, Message

__all__ = ["not_keras", "signatures"]


def not_keras(meta: Message, graph: Graph | None, bundle: Bundle | None) -> UnreadableError:
    """Return the error that names what it is, its signatures and its variables."""
    kind = kind_of(meta, graph)
    version = meta.get("info", {}).get("tensorflow", "of an unknown version")
    return UnreadableError(
        f"is a SavedModel that holds no Keras model: {kind.title}, written by TensorFlow {version}",
        problems=[*signatures(meta), *_variables(bundle)],
        remedy=f"{kind.remedy} Its values alone: kport convert SAVED_MODEL BUNDLE --weights-only.",
    )


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
