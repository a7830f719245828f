"""Rebuild the Keras model of a SavedModel out of its config, its weights by attribute.

Where the Keras config lies (``keras/saving/legacy/saved_model/save.py`` of Keras 2.12): TensorFlow
2.0 to 2.4 put it into each node of the object graph, 2.5 and later into ``keras_metadata.pb``.
"""

from __future__ import annotations

from collections.abc import Iterator

from kport.checkpoint import JSON, Checkpoint, Holds, ModelSpec, Naming
from kport_compat.keras2 import Translation, translate, version_of
from kport_compat.savedmodel._constants import Tables
from kport_compat.savedmodel._graph import Graph
from kport_compat.savedmodel._lost import about_classes, without_config
from kport_compat.savedmodel._made import made_by_code
from kport_compat.savedmodel._names import Names, layers_of, model_config, name_variables
from kport_compat.savedmodel._optimizer import optimizer_state
from kport_compat.savedmodel._provenance import provenance
from kport_compat.savedmodel._refined import Refiner
from kport_compat.savedmodel._refuse import not_keras
from kport_compat.savedmodel._saved import Saved, values_of
from kport_compat.savedmodel._tensors import left_out, tensors_of
from kport_compat.savedmodel._variables import checkpoint_keys
from kport_compat.tensorbundle import Bundle

__all__ = ["NativeRebuild"]


class NativeRebuild:
    """The strategy; see `kport_compat.savedmodel._strategies.Strategy`."""

    def read(self, saved: Saved) -> Checkpoint:
        """Return the Checkpoint; one of weights alone where a part was saved without its config.

        Raises:
            UnreadableError: There is no Keras model, or no value.
        """
        graph, bundle = saved.graph, saved.bundle
        if graph is None or not graph.nodes or not graph.metadata(0):
            raise not_keras(saved.meta, graph, bundle)
        return _checkpoint(saved, graph, bundle or Bundle(values_of(saved.folder)))


def _written_by(about: JSON) -> str:
    # TensorFlow 2.0 to 2.4 kept what it says of a model in the graph, mostly without a version.
    return str(about.get("keras_version") or "2.0")


def _checkpoint(saved: Saved, graph: Graph, bundle: Bundle) -> Checkpoint:
    about = graph.metadata(0)
    keys = checkpoint_keys(graph, bundle)
    names = name_variables(graph)
    tensors = tensors_of(graph, keys, bundle, names)
    lost = without_config(graph)
    translation = Translation({}, {}, ())
    if not lost:
        refiner = Refiner(graph, keys, bundle, Tables(saved, graph, bundle))
        model = refiner.model(model_config(about), 0)
        translation = translate(
            model, about.get("training_config"), version=version_of(_written_by(about))
        )
    state, gone = optimizer_state(bundle, keys, names.variables, translation.optimizer)
    return Checkpoint(
        spec=ModelSpec(
            config={**translation.config, **({} if lost else _build_config(graph))},
            builds=dict(_builds(graph, names)),
            frozen=tuple(sorted(_frozen(graph, names))),
            ties=names.ties,
        ),
        tensors={tensor.name: tensor for tensor in (*tensors, *state)},
        naming=Naming.WEIGHTS,
        provenance=provenance(saved.meta, about),
        notes=(*translation.notes, *lost, *gone, *left_out(keys, graph, tensors)),
        holds=Holds.WEIGHTS if lost else Holds.MODEL,
        about=about_classes(saved.meta, graph, names, tensors),
        made=dict(made_by_code(graph, names)),
    )


def _frozen(graph: Graph, names: Names) -> Iterator[str]:
    for number, path in names.layers.items():
        if graph.metadata(number).get("trainable") is False:
            yield path or "."


def _builds(graph: Graph, names: Names) -> Iterator[tuple[str, JSON]]:
    """Yield the shape that each layer was built with, for those that Keras 3 does not reach."""
    for number, path in names.layers.items():
        shape = graph.metadata(number).get("build_input_shape")
        if path and isinstance(shape, list) and not any(isinstance(one, list) for one in shape):
            yield path, {"input_shape": shape}


def _build_config(graph: Graph) -> JSON:
    """Return what Keras 3 needs to build a subclassed model: the shape it was first called with."""
    shape = None if layers_of(graph, 0) else graph.metadata(0).get("build_input_shape")
    return {"build_config": {"input_shape": shape}} if shape else {}
