"""Read a SavedModel that Keras 2 wrote (``model.save("folder")``), without TensorFlow.

Layout: https://www.tensorflow.org/guide/saved_model#the_savedmodel_format_on_disk. Where the
Keras config lies (``keras/saving/legacy/saved_model/save.py`` of Keras 2.12): TensorFlow 2.0 to 2.4
put it into each node of the object graph, 2.5 and later into ``keras_metadata.pb``.

Memory: the object graph, of which a field takes some hundred bytes; values are mapped.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kport.checkpoint import JSON, Checkpoint, ModelSpec, Naming
from kport.errors import (
    CorruptFileError,
    PathNotFoundError,
    Problem,
    SaveError,
    UnreadableError,
    mapped,
)
from kport.formats._mapped import MappedFile
from kport_compat.keras2 import translate
from kport_compat.savedmodel._graph import Graph, read_graph
from kport_compat.savedmodel._names import layers_of, model_config, name_variables
from kport_compat.savedmodel._optimizer import optimizer_state
from kport_compat.savedmodel._refuse import not_keras
from kport_compat.savedmodel._schemas import SAVED_MODEL as SCHEMA
from kport_compat.savedmodel._tensors import left_out, tensors_of
from kport_compat.savedmodel._variables import checkpoint_keys
from kport_compat.tensorbundle import Bundle, Bytes, Message, decode, refuse_pointer
from kport_compat.tfcheckpoint import read_checkpoint

if TYPE_CHECKING:
    from kport.formats import WriteOptions

__all__ = ["SAVED_MODEL", "SavedModelFormat"]

_VALUES = "variables/variables.index"
_MAX_BYTES = (1 << 31) - 1  # protobuf's own limit of one message
_NO_CONFIG = "layer was saved without config"  # TensorFlow 2.0 to 2.4 wrote this in its place


class SavedModelFormat:
    """The format object; see `kport.formats.Format`."""

    name = "savedmodel"
    title = "TensorFlow SavedModel (Keras 2)"
    writes = False

    def recognises(self, path: Path) -> bool:
        """Say whether it is a SavedModel's directory, or the ``saved_model.pb`` in it."""
        folder = _folder(path)
        return any((folder / name).is_file() for name in ("saved_model.pb", "saved_model.pbtxt"))

    def read(self, path: Path) -> Checkpoint:
        """Return the Checkpoint with the config in Keras 3's form, its tensors unread.

        Raises:
            UnreadableError: It is damaged, incomplete, or holds no Keras model.
        """
        with mapped(CorruptFileError, "cannot be read", path=path):
            return _read(_folder(path))

    def read_weights(self, path: Path) -> Checkpoint:
        """Return the values alone, by the names of their objects, of any SavedModel.

        Raises:
            UnreadableError: They are damaged or not there.
        """
        with mapped(CorruptFileError, "cannot be read", path=path):
            return read_checkpoint(_index(_folder(path)))

    def write(self, checkpoint: Checkpoint, path: Path, options: WriteOptions) -> None:
        """Refuse: this is a format of the past.

        Raises:
            SaveError: Always.
        """
        raise SaveError(
            "kport writes no SavedModels",
            path=path,
            remedy="Give a path ending in .keras for an archive, or call model.export for serving.",
        )

    def components(self) -> None:
        """Register what translated configs name and Keras 3 does not have; imports Keras."""
        from kport_compat import layers, ops, optimizers

        layers.register()
        ops.register()
        optimizers.register()


SAVED_MODEL = SavedModelFormat()


def _folder(path: Path) -> Path:
    return path.parent if path.name in ("saved_model.pb", "saved_model.pbtxt") else path


def _content(file: Path) -> Bytes:
    refuse_pointer(file)
    held = MappedFile(file)
    if held.size > _MAX_BYTES:
        raise CorruptFileError(f"is {held.size} bytes, more than a protobuf message can be")
    data: Bytes = held.bytes.data
    return data


def _read(folder: Path) -> Checkpoint:
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
    bundle = Bundle(index) if index.is_file() else None
    about = graph.metadata(0) if graph is not None and graph.nodes else {}
    if graph is None or not about:
        raise not_keras(meta, graph, bundle)
    if bundle is None:
        raise _without_values(folder)
    return _checkpoint(meta, graph, about, bundle)


def _index(folder: Path) -> Path:
    if not (folder / _VALUES).is_file():
        raise _without_values(folder)
    return folder / _VALUES


def _without_values(folder: Path) -> PathNotFoundError:
    return PathNotFoundError(
        f"is a SavedModel without its values: {_VALUES} is missing",
        path=folder,
        remedy="Copy the whole folder; repositories often leave the variables out.",
    )


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


def _checkpoint(meta: Message, graph: Graph, about: JSON, bundle: Bundle) -> Checkpoint:
    model = _model_config(graph, about)
    translation = translate(model, about.get("training_config"))
    keys = checkpoint_keys(graph, bundle)
    names = name_variables(graph)
    tensors = tensors_of(graph, keys, bundle, names)
    config = translation.config
    if not layers_of(graph, 0):
        config = {**config, **_build_config(about)}
    state, lost = optimizer_state(bundle, keys, names.variables, translation.optimizer)
    frozen = [
        path or "."
        for number, path in names.layers.items()
        if graph.metadata(number).get("trainable") is False
    ]
    return Checkpoint(
        spec=ModelSpec(config=config, frozen=tuple(sorted(frozen)), ties=names.ties),
        tensors={tensor.name: tensor for tensor in (*tensors, *state)},
        naming=Naming.WEIGHTS,
        provenance=_provenance(meta, about),
        notes=(*translation.notes, *lost, *left_out(keys, graph, tensors)),
    )


def _model_config(graph: Graph, about: JSON) -> JSON:
    """Return the config of the model, if every layer in it has one."""
    parts = [graph.metadata(one) for one in (0, *layers_of(graph, 0))]
    without = [
        Problem(
            str(part.get("name") or "the model"),
            f"its class {part.get('class_name')!r} has no get_config",
            "missing",
        )
        for part in parts
        if not isinstance(part.get("config"), dict) or _NO_CONFIG in part["config"]
    ]
    if without:
        raise UnreadableError(
            "was saved without the config of some of its parts",
            problems=without,
            remedy="Build the model in code; kport cannot know the arguments of these classes.",
        )
    return model_config(about)


def _build_config(about: JSON) -> JSON:
    """Return what Keras 3 needs to build a subclassed model: the shape it was first called with."""
    shape = about.get("build_input_shape")
    return {"build_config": {"input_shape": shape}} if shape else {}


def _provenance(meta: Message, about: JSON) -> dict[str, str]:
    known = {
        "keras": about.get("keras_version"),
        "tensorflow": meta.get("info", {}).get("tensorflow"),
        "backend": "tensorflow",
    }
    return {"source": "TensorFlow SavedModel"} | {
        key: str(one) for key, one in known.items() if one
    }
