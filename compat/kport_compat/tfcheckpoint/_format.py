"""Read a TensorFlow checkpoint, as weights for a model that exists; no TensorFlow needed.

Since TensorFlow 2 a checkpoint holds the graph of the objects that were saved
(https://www.tensorflow.org/guide/checkpoint); one of ``tf.train.Saver`` knows variables by name.
Neither says what a layer computes.

Memory: the index and the object graph; values are mapped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from kport.checkpoint import (
    JSON,
    Checkpoint,
    Holds,
    Kind,
    LazyTensor,
    ModelSpec,
    Naming,
    Note,
)
from kport.errors import CorruptFileError, KportError, mapped
from kport_compat._reading import ReadOnly
from kport_compat.tensorbundle import (
    GRAPH_KEY,
    STRING,
    Bundle,
    FirstVersion,
    Tracked,
    find_index,
    names_checkpoint,
    tracked_objects,
)
from kport_compat.tfcheckpoint._names import Named, named_variables
from kport_compat.tfcheckpoint._objects import named_objects, optimizer_of
from kport_compat.tfcheckpoint._writer import written_by
from kport_compat.training import StateGraph, tracked_state

__all__ = ["TF_CHECKPOINT", "TFCheckpointFormat", "checkpoint_of", "read_checkpoint"]


class TFCheckpointFormat(ReadOnly):
    """The format object; see `kport.formats.Format`."""

    name = "tfcheckpoint"
    title = "TensorFlow checkpoint"

    def recognises(self, path: Path) -> bool:
        """Say whether it is a prefix, a file or the directory of a checkpoint."""
        return names_checkpoint(path)

    def main(self, path: Path) -> Path:
        """Return its index.

        Raises:
            UnreadableError: A directory holds several, and nothing says which is meant.
        """
        return find_index(path)

    def read(self, path: Path) -> Checkpoint:
        """Return the Checkpoint, its tensors unread.

        Raises:
            UnreadableError: It is damaged or incomplete.
        """
        with mapped(CorruptFileError, "cannot be read", path=path):
            return read_checkpoint(find_index(path))


TF_CHECKPOINT = TFCheckpointFormat()

_TABLE = "/.ATTRIBUTES/table-"  # then keys, and values, as MutableHashTable writes them


def read_checkpoint(index: Path) -> Checkpoint:
    """Return what an index and its shards hold."""
    return checkpoint_of(Bundle(index) if index.suffix == ".index" else FirstVersion(index))


def checkpoint_of(bundle: Bundle) -> Checkpoint:
    """Return the tensors of a bundle by the names of their objects, or of themselves."""
    objects = tracked_objects(bundle)
    found = named_objects(objects) if objects else named_variables(bundle)
    tensors, notes = _tensors(bundle, found)
    return Checkpoint(
        spec=ModelSpec(config={}, ties=found.ties),
        tensors=tensors,
        naming=Naming.OBJECTS,
        provenance=_provenance(objects),
        notes=tuple(notes),
        holds=Holds.WEIGHTS,
        optimizer_state=_optimizer_state(bundle, objects, found),
    )


def _optimizer_state(
    bundle: Bundle, objects: Sequence[Tracked], found: Named
) -> Callable[[JSON], tuple[list[LazyTensor], list[Note]]] | None:
    """Return how to read the state of the one optimizer that the objects have, if they do."""
    number = optimizer_of(objects)
    if number is None:
        return None
    weights = {one.key: one.name for one in found.values if one.kind is not Kind.OPTIMIZER}

    def read(key: str) -> LazyTensor:
        return bundle.lazy(key, key, Kind.OPTIMIZER)

    graph = StateGraph(objects, read, weights, ordered=False)
    return partial(tracked_state, graph, number)


def _provenance(objects: Sequence[Tracked]) -> dict[str, str]:
    source = f"TensorFlow checkpoint ({'objects' if objects else 'names'})"
    return {"source": source, "keras": written_by(objects)}


def _tensors(bundle: Bundle, found: Named) -> tuple[dict[str, LazyTensor], list[Note]]:
    tensors: dict[str, LazyTensor] = {}
    notes: list[Note] = []
    for one in found.values:
        try:
            tensors[one.name] = bundle.lazy(one.key, one.name, one.kind, keras_path=one.full_name)
        except KportError as error:  # strings, or a type that no tensor of Keras has
            notes.append(Note("dropped", one.name, error.message))
    known = {one.key for one in found.values}
    for key, entry in bundle.entries.items():
        table, _, part = key.partition(_TABLE)
        if part:
            if part == "keys":
                notes.append(Note("dropped", table, "is a lookup table; see set_vocabulary"))
        elif key not in known and key != GRAPH_KEY:
            what = "strings" if entry.dtype == STRING else f"{entry.dtype}{list(entry.shape)}"
            notes.append(Note("dropped", key, f"is no variable: {what}"))
    return tensors, notes
