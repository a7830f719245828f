"""One layer of Keras 1 said as a layer of Keras 2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kport.checkpoint import JSON, Note
from kport.errors import Problem
from kport_compat.keras1._words import (
    ARGUMENTS,
    CLASSES,
    DROPPED,
    INITIALIZERS,
    MERGES,
    OWN,
    SIZES,
)

__all__ = ["Context", "layer"]

_FORMATS = {"th": "channels_first", "tf": "channels_last"}
# In Keras 1.2 these have an order and do not write it.
_UNSAID = frozenset({"Cropping2D", "Cropping3D", "UpSampling2D", "UpSampling3D"}) | {
    "ZeroPadding2D",
    "ZeroPadding3D",
}
_GONE = {
    "Deconvolution2D": "states an output size of its own, which Keras 2 and 3 do not take",
    "ParametricSoftplus": "is in no later Keras",
    "SReLU": "is in no later Keras",
    "Graph": "is a graph of Keras 0.3, which Keras 1 itself no longer reads",
}


@dataclass(slots=True)
class Context:
    """What a layer is told of the file, and where it leaves word.

    Arguments:
        orders: Every ``dim_ordering`` that the model names.
        theano: Whether Theano computed it.
        shapes: Name of a weight, without its colon -> shape, where there are weights.
    """

    orders: frozenset[str]
    theano: bool
    shapes: Mapping[str, tuple[int, ...]]
    notes: list[Note] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, node: JSON, message: str) -> None:
        """Note something that makes the layer unusable."""
        self.problems.append(Problem(_name(node), f"{node['class_name']} {message}"))


def layer(node: JSON, context: Context) -> JSON:
    """Return a layer that is no model in Keras 2's words."""
    name, config = node["class_name"], node.get("config")
    if not isinstance(config, dict):
        return node
    if name in _GONE:
        context.problem(node, _GONE[name])
    if name == "Merge":
        return _merge(node, config, context)
    config = dict(config)
    if isinstance(config.get("layer"), dict):
        config["layer"] = layer(config["layer"], context)
    _order(node, config, context)
    _padding(node, config, context)
    _by_class(node, config, context)
    config = _renamed(name, config)
    config = {key: _value(key, one) for key, one in config.items()}
    return {**node, "class_name": CLASSES.get(name, name), "config": config}


def _renamed(name: str, config: JSON) -> JSON:
    own = OWN.get(name, {})
    for sizes in SIZES:
        if sizes[0] in config:
            config["kernel_size"] = [config.pop(one) for one in sizes]
    for old, new in {**ARGUMENTS, **own}.items():
        if old in config and new != old:
            config[new] = config.pop(old)
    return config


def _value(key: str, found: Any) -> Any:
    for tail, convert in _BY_TAIL.items():
        if key.endswith(tail):
            return convert(found)
    return found


def _initializer(found: Any) -> Any:
    return INITIALIZERS.get(found, found) if isinstance(found, str) else found


def _penalty(found: Any) -> Any:
    # Keras 1 writes its class among the arguments.
    if not isinstance(found, dict) or "name" not in found:
        return found
    config = {key: one for key, one in found.items() if key in ("l1", "l2")}
    return {"class_name": "L1L2", "config": config}


def _constraint(found: Any) -> Any:
    if not isinstance(found, dict) or "name" not in found:
        return found
    words = {"m": "max_value", "low": "min_value", "high": "max_value"}
    config = {words.get(key, key): one for key, one in found.items() if key != "name"}
    return {"class_name": found["name"], "config": config}


_BY_TAIL: dict[str, Callable[[Any], Any]] = {
    "_initializer": _initializer,
    "_regularizer": _penalty,
    "_constraint": _constraint,
    "data_format": lambda found: _FORMATS.get(found, found),
}


def _order(node: JSON, config: JSON, context: Context) -> None:
    if node["class_name"] not in _UNSAID or "dim_ordering" in config:
        return
    if len(context.orders) == 1:
        config["dim_ordering"] = next(iter(context.orders))
    else:
        context.problem(node, "does not say whether channels are first or last")


def _padding(node: JSON, config: JSON, context: Context) -> None:
    """Refuse what pads at other places under Theano (``keras/backend/theano_backend.py``)."""
    if not context.theano or config.get("border_mode") != "same":
        return
    sizes = [config[one] for group in SIZES for one in group if one in config]
    sizes += [config["filter_length"]] if "filter_length" in config else []
    steps = config.get("subsample", config.get("subsample_length", 1))
    steps = steps if isinstance(steps, list) else [steps]
    odd = sizes and all(isinstance(size, int) and size % 2 for size in sizes)
    if not odd or any(step != 1 for step in steps):
        context.problem(node, "was padded by Theano, at other places than any backend of today")


def _by_class(node: JSON, config: JSON, context: Context) -> None:
    name = node["class_name"]
    if name == "BatchNormalization" and config.pop("mode", 0) != 0:
        context.problem(node, "normalizes by the batch or sample even at inference (mode 1 or 2)")
    if name == "Embedding" and config.pop("dropout", 0):
        context.notes.append(Note("dropped", _name(node), "its dropout of whole words in training"))
    if name == "SeparableConvolution2D" and config.get("dim_ordering") == "th":
        context.problem(node, "keeps its weights in an order that no later Keras explains")
    if name == "InputLayer" and "input_dtype" in config:
        config["dtype"] = config["input_dtype"]
    if name == "GRU":
        config.setdefault("reset_after", False)
    if name == "PReLU" and "shared_axes" not in config:  # Keras 1 does not write them
        alphas = context.shapes.get(f"{_name(node)}_alphas", ())
        config["shared_axes"] = [axis for axis, size in enumerate(alphas, 1) if size == 1]
    needed = {"Embedding": ("input_dim", "input_length")}.get(name, ())
    for key in DROPPED:
        if key not in needed:
            config.pop(key, None)
    if name == "ZeroPadding2D" and len(found := config.get("padding", ())) == 4:
        config["padding"] = [[found[0], found[1]], [found[2], found[3]]]


def _merge(node: JSON, config: JSON, context: Context) -> JSON:
    mode = config.get("mode")
    if mode not in MERGES or config.get("mode_type", "raw") != "raw":
        context.problem(node, f"joins by {mode!r}, which is no layer of Keras 2")
        return node
    new = {"name": config.get("name"), "trainable": config.get("trainable", True)}
    if mode == "concat":
        new["axis"] = config.get("concat_axis", -1)
    if mode == "dot":
        new |= {"axes": config.get("dot_axes"), "normalize": False}
    return {**node, "class_name": MERGES[mode], "config": new}


def _name(node: JSON) -> str:
    config = node.get("config")
    inner = config.get("name") if isinstance(config, dict) else None
    return str(inner or node.get("name") or node["class_name"])
