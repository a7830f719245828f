"""A SavedModel that is opened: its messages decoded, its values mapped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kport.errors import CorruptFileError, PathNotFoundError, UnreadableError, mapped
from kport.formats._mapped import MappedFile
from kport_compat.savedmodel._graph import Graph, read_graph
from kport_compat.savedmodel._schemas import SAVED_MODEL as SCHEMA
from kport_compat.tensorbundle import Bundle, Bytes, Message, decode, refuse_pointer

__all__ = ["Saved", "open_saved", "values_of"]

_VALUES = "variables/variables.index"
_MAX_BYTES = (1 << 31) - 1  # protobuf's own limit of one message


@dataclass(frozen=True, slots=True)
class Saved:
    """What a folder holds.

    Arguments:
        folder: The folder.
        meta: The graph for serving, or the first one.
        graph: The objects; None in a file of TensorFlow 1.
        bundle: The values; None where they are missing.
    """

    folder: Path
    meta: Message
    graph: Graph | None
    bundle: Bundle | None


def open_saved(folder: Path) -> Saved:
    """Open a SavedModel.

    Raises:
        UnreadableError: It is written as text.
        CorruptFileError: It is damaged.
    """
    file = folder / "saved_model.pb"
    if not file.is_file():
        raise UnreadableError(
            "is a SavedModel as protobuf text, which kport does not read",
            path=folder / "saved_model.pbtxt",
            remedy="Load it with TensorFlow and save it again.",
        )
    with mapped(CorruptFileError, "cannot be read", path=file):
        meta = _meta_graph(_content(file))
        graph = _graph(meta, folder)
    index = folder / _VALUES
    return Saved(folder, meta, graph, Bundle(index) if index.is_file() else None)


def values_of(folder: Path) -> Path:
    """Return the index of the values.

    Raises:
        PathNotFoundError: It is missing.
    """
    if not (folder / _VALUES).is_file():
        raise PathNotFoundError(
            f"is a SavedModel without its values: {_VALUES} is missing",
            path=folder,
            remedy="Copy the whole folder; repositories often leave the variables out.",
        )
    return folder / _VALUES


def _content(file: Path) -> Bytes:
    refuse_pointer(file)
    held = MappedFile(file)
    if held.size > _MAX_BYTES:
        raise CorruptFileError(f"is {held.size} bytes, more than a protobuf message can be")
    data: Bytes = held.bytes.data
    return data


def _meta_graph(data: Bytes) -> Message:
    found: list[Message] = decode(data, SCHEMA, "").get("meta_graphs", [])
    serving = [one for one in found if "serve" in one.get("info", {}).get("tags", [])]
    if not found:
        raise CorruptFileError("holds no graph: it is empty or no SavedModel")
    return (serving or found)[0]


def _graph(meta: Message, folder: Path) -> Graph | None:
    objects = meta.get("objects")
    if objects is None:
        return None
    keras = folder / "keras_metadata.pb"
    return read_graph(objects, _content(keras) if keras.is_file() else None)
