"""Calls of TensorFlow functions, which Keras 2 recorded as layers of a functional model.

Forms: ``keras/layers/core/tf_op_layer.py`` of Keras 2.12 (`TFOpLambda`, `SlicingOpLambda`,
`ClassMethod`, `InstanceProperty`) and ``keras/engine/base_layer.py`` (`AddMetric`, `AddLoss`).
The arguments stand in the inbound nodes, see ``_nodes``.
"""

from __future__ import annotations

from kport.checkpoint import JSON
from kport_compat.keras2._log import Log
from kport_compat.keras2._raw_operations import RAW_LAYER, raw_operation
from kport_compat.ops import ADAPTERS, REGISTERED, canonical

__all__ = ["ADDED", "OPERATIONS", "operation"]

_CALLS = frozenset({"TFOpLambda", "SlicingOpLambda"})
ADDED = {
    "AddMetric": "the metric it adds is not computed by Keras 3; its input passes through",
    "AddLoss": "the loss it adds is not computed by Keras 3; its input passes through",
}
"""Layer classes that pass their input on -> what is lost."""
_FOREIGN = frozenset({"ClassMethod", "InstanceMethod", "InstanceProperty"})

OPERATIONS = _CALLS | ADDED.keys() | _FOREIGN | {RAW_LAYER}
"""Layer classes of Keras 2 that stand for a call."""


def operation(cls: str, config: JSON, log: Log) -> JSON:
    """Return the operation of Keras 3 that computes what the call did."""
    place = str(config.get("name") or cls)
    if cls in ADDED:
        log.dropped(place, ADDED[cls])
        return _component("identity", place)
    if cls in _FOREIGN:
        log.problem(place, f"is a {cls} ({_called(config)}), which Keras 3 cannot do")
        return _component("identity", place)
    if cls == RAW_LAYER:
        found = raw_operation(config)
        if found is None:
            node = config.get("node_def")
            word = node.get("op") if isinstance(node, dict) else "unreadable"
            log.problem(place, f"is the operation {word} of TensorFlow, which kport does not know")
        return _component(*(found or ("identity", place)))
    symbol = canonical(str(config.get("function")))
    if symbol not in ADAPTERS:
        log.problem(place, f"calls tf.{symbol}, for which kport has no counterpart in keras.ops")
    return _component(symbol, place)


def _called(config: JSON) -> str:
    words = ("cls_ref", "cls_symbol", "method_name", "attr_name")
    found = [str(config[word]) for word in words if word in config]
    return ".".join(found) or "unnamed"


def _component(symbol: str, name: str) -> JSON:
    return {
        "module": None,
        "class_name": REGISTERED.rpartition(">")[2],
        "config": {"op": symbol, "name": name},
        "registered_name": REGISTERED,
    }
