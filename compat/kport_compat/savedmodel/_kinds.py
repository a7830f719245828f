"""Tell by a few marks what kind of SavedModel one without Keras layers is.

One entry a kind; the first whose mark is there decides. Marks: the names of children of the root
object, of outputs, or the method of a signature (``tensorflow/python/saved_model/
signature_constants.py`` of TensorFlow 2.15).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kport_compat.savedmodel._graph import Graph
from kport_compat.tensorbundle import Message

__all__ = ["KINDS", "Kind", "kind_of"]

_TFSM = "Its computation is a traced graph without layers: call it with TensorFlow"
_LAYER = f"{_TFSM} (keras.layers.TFSMLayer)"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of SavedModel.

    Arguments:
        title: What it is.
        remedy: What to do with it.
        where: In what the marks are looked for; an empty one takes every file.
        marks: Names, all of which must be there.
        objects: Whether it has objects, as all files since TensorFlow 2 do.
    """

    title: str
    remedy: str
    where: Literal["children", "outputs", "methods", ""]
    marks: frozenset[str] = frozenset()
    objects: bool | None = None


KINDS = (
    Kind(
        "an export of Keras 3 for serving (model.export)",
        f"Save the model itself (kport.save, model.save). {_LAYER}.",
        "children",
        frozenset({"_misc_assets"}),
    ),
    Kind(
        "an export of Keras 3 for serving (model.export)",
        f"Save the model itself (kport.save, model.save). {_LAYER}.",
        "children",
        frozenset({"_endpoint_names"}),
    ),
    Kind(
        "an object detection model",
        f"{_LAYER}, or rebuild the model in code and load its values.",
        "outputs",
        frozenset({"detection_boxes", "detection_scores"}),
    ),
    Kind(
        "a policy of TF-Agents",
        "Build the policy's network in code and load its values.",
        "children",
        frozenset({"action", "get_initial_state"}),
    ),
    Kind(
        "an Estimator's export",
        f"{_TFSM}, or build the model in code and load its values.",
        "methods",
        frozenset({"tensorflow/serving/classify"}),
    ),
    Kind(
        "an Estimator's export",
        f"{_TFSM}, or build the model in code and load its values.",
        "methods",
        frozenset({"tensorflow/serving/regress"}),
    ),
    Kind(
        "a reusable model of TF Hub",
        f"{_LAYER}, or build the model in code and load its values.",
        "children",
        frozenset({"__call__", "regularization_losses", "trainable_variables"}),
    ),
    Kind(
        "a graph of TensorFlow 1 without objects",
        f"{_TFSM}, or build the model in code and load its values.",
        "",
        objects=False,
    ),
    Kind(
        "a tf.Module or a plain object",
        f"{_LAYER}, or save the Keras model it was exported from.",
        "",
    ),
)
"""The kinds, in the order in which they are tried."""


def kind_of(meta: Message, graph: Graph | None) -> Kind:
    """Return the kind of a SavedModel without Keras layers."""
    signatures = meta.get("signatures", {}).values()
    names = {
        "children": set(graph.nodes[0].children) if graph is not None and graph.nodes else set(),
        "outputs": {name for one in signatures for name in one.get("outputs", {})},
        "methods": {one.get("method", "") for one in signatures},
        "": set(),
    }
    objects = bool(names["children"])
    return next(
        one for one in KINDS if one.marks <= names[one.where] and one.objects in (None, objects)
    )
