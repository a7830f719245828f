"""Read a whole-model HDF5 file (``model.save("x.h5")``) of Keras 1, Keras 2 or tf.keras.

Layout (``keras/saving/legacy/hdf5_format.py`` of Keras 2.12): attributes ``model_config`` and
``training_config`` are JSON, ``keras_version`` and ``backend`` text; groups ``model_weights`` and
``optimizer_weights`` hold the values. A file of ``save_weights`` has the content of
``model_weights`` at its root and no config.

Keras 3 writes the same layout, with its own config inside; such a file is read too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from kport.checkpoint import Checkpoint, Holds, LazyTensor, ModelSpec, Naming, Note
from kport.errors import (
    CorruptFileError,
    InvalidSpecError,
    KportError,
    Problem,
    UnreadableError,
    mapped,
)
from kport.formats import Survey
from kport.formats._mapped import MappedFile
from kport.formats.hdf5 import SIGNATURE, SIGNATURE_PLACES, Group
from kport_compat._reading import OldModels
from kport_compat.h5._adapted import give_summaries
from kport_compat.h5._container import (
    attribute_json,
    attribute_names,
    attribute_text,
    below,
    opened,
)
from kport_compat.h5._optimizer import optimizer_tensors, variable_names
from kport_compat.h5._weights import (
    Order,
    checked_total,
    layer_tensors,
    weight_names,
    weight_shapes,
)
from kport_compat.keras1 import arranged, named_by_keras_1, speaks_keras_1
from kport_compat.keras2 import outline, renamed, translate, version_of
from kport_compat.training import training_of

__all__ = ["H5", "H5Format"]


class H5Format(OldModels):
    """The format object; see `kport.formats.Format`."""

    name = "h5"
    title = "Keras H5 (Keras 1/2)"

    def recognises(self, path: Path) -> bool:
        """Say whether it is an HDF5 file of a Keras model or of its weights."""
        try:
            if not path.is_file() or not _signed(path):
                return False
            with mapped(CorruptFileError, "cannot be read"):
                root, _ = opened(path)
                return "model_config" in root.attributes or _has_weights(root)
        except (KportError, OSError):
            # Cut off behind the signature. Nothing else reads HDF5, so claim it: `read` says why.
            return path.suffix.lower() in {".h5", ".hdf5", ".keras"} and path.is_file()

    def read(self, path: Path) -> Checkpoint:
        """Return the Checkpoint with the config in Keras 3's form, its tensors unread.

        Raises:
            UnreadableError: It is damaged, or its config is one that nobody can translate.
            UnsafeFileError: It links to other places or files.
        """
        with mapped(CorruptFileError, "cannot be read", path=path):
            return _read(*opened(path))

    def read_weights(self, path: Path) -> Checkpoint:
        """Return the weights of the layers alone; the config is not looked at.

        Raises:
            UnreadableError: The file is damaged.
            UnsafeFileError: It links to other places or files.
        """
        with mapped(CorruptFileError, "cannot be read", path=path):
            return _weights_only(*opened(path))

    def survey(self, path: Path) -> Survey:
        """Return what is in the file, whether its config can be translated or not."""
        try:
            return Survey(self.read(path))
        except InvalidSpecError as error:
            with mapped(CorruptFileError, "cannot be read", path=path):
                root, backing = opened(path)
                config = attribute_json(root, "model_config")
                layers = tuple(outline(config))
                checkpoint = _weights_only(root, backing, config)
            obstacles = (error.message, *map(str, error.problems))
            checkpoint = replace(checkpoint, holds=Holds.MODEL)
            return Survey(checkpoint, layers=layers, obstacles=obstacles)


H5 = H5Format()


def _signed(path: Path) -> bool:
    with path.open("rb") as file:
        for place in SIGNATURE_PLACES:
            file.seek(place)
            if file.read(len(SIGNATURE)) == SIGNATURE:
                return True
    return False


def _has_weights(root: Group) -> bool:
    return (
        "model_weights" in root
        or "layer_names" in root.attributes
        or "layer_names0" in root.attributes
    )


def _read(root: Group, backing: MappedFile) -> Checkpoint:
    config = attribute_json(root, "model_config")
    if config is None:
        return _weights_only(root, backing)
    weights = below(root, "model_weights")
    version = _version(root, weights)
    training = training_of(attribute_json(root, "training_config"), version)
    translation = translate(
        config,
        training,
        version=version_of(version),
        shapes=weight_shapes(weights) if speaks_keras_1(config) else {},
    )
    give_summaries(translation.config, weights, backing)
    order, moved = _order(weights, config), list[str]()
    tensors, notes, problems = layer_tensors(
        weights, backing, translation.layer_names, translation.gone, order and _noting(order, moved)
    )
    if "optimizer_weights" in root:
        known = variable_names(weights, translation.layer_names, {one.name for one in tensors})
        group = below(root, "optimizer_weights")
        state, more, wrong = optimizer_tensors(
            group, backing, translation.optimizer, version_of(version)[0], known
        )
        if moved:
            text = f"its slots are not put into the form that {moved[0]!r} has in Keras 3"
            state, more = [], [Note("dropped", "optimizer", f"{text}; training starts fresh")]
        tensors, notes, problems = tensors + state, notes + more, problems + wrong
    tensors = checked_total(tensors, problems, backing.path)
    return Checkpoint(
        spec=ModelSpec(config=translation.config),
        tensors={tensor.name: tensor for tensor in tensors},
        naming=Naming.POSITION,
        provenance=_provenance(root, version),
        notes=(*translation.notes, *notes),
    )


def _weights_only(root: Group, backing: MappedFile, config: Any = None) -> Checkpoint:
    if not _has_weights(root):
        raise UnreadableError("is an HDF5 file without a Keras model (no attribute 'model_config')")
    weights = below(root, "model_weights") if "model_weights" in root else root
    names = renamed([{"name": name} for name in attribute_names(weights, "layer_names")])
    tensors, notes, problems = layer_tensors(weights, backing, names, order=_order(weights, config))
    tensors = checked_total(tensors, problems, backing.path)
    if "optimizer_weights" in root:
        notes.append(Note("dropped", "optimizer_weights", "belong to the training, not the model"))
    return Checkpoint(
        spec=ModelSpec(config={}),
        tensors={tensor.name: tensor for tensor in tensors},
        naming=Naming.POSITION,
        provenance=_provenance(root, _version(root, weights)),
        notes=tuple(notes),
        holds=Holds.WEIGHTS,
    )


def _order(weights: Group, config: Any) -> Order | None:
    """Return how to put the weights of a layer into Keras 2's order, None where they are in it."""
    old = speaks_keras_1(config) or named_by_keras_1(weight_names(weights))
    return partial(arranged, config=config) if old else None


def _noting(order: Order, moved: list[str]) -> Order:
    """Return the same that also notes the weights whose values it changes or moves."""

    def noted(
        tensors: Sequence[LazyTensor], names: Sequence[str]
    ) -> tuple[list[LazyTensor], list[Problem]]:
        found, problems = order(tensors, names)
        if [one.source for one in found] != [one.source for one in tensors]:
            moved.append(names[0])
        return found, problems

    return noted


def _version(root: Group, weights: Group) -> str | None:
    # TensorFlow 2.0 to 2.2 wrote the version beside the weights only.
    return attribute_text(root, "keras_version") or attribute_text(weights, "keras_version")


def _provenance(root: Group, version: str | None) -> dict[str, str]:
    known = {"keras": version, "backend": attribute_text(root, "backend")}
    return {"source": "Keras H5"} | {key: text for key, text in known.items() if text}
