"""A Sequential of Keras 1 that begins with a Merge of branches, made into a functional model."""

from __future__ import annotations

from typing import Any

from kport.checkpoint import JSON
from kport_compat.keras1._layers import Context

__all__ = ["without_branches"]


def without_branches(node: JSON, context: Context) -> JSON:
    """Return the model as it is, or flattened where its first layer joins other models.

    Keras 1 keeps the weights of the branches' layers beside those of the others
    (``keras/models.py`` of 1.2.2, ``flattened_layers``), so the names stay.
    """
    layers = node.get("config")
    if node["class_name"] != "Sequential" or not isinstance(layers, list) or not layers:
        return node
    first = layers[0]
    fields = first.get("config") if isinstance(first, dict) else None
    branches = fields.get("layers") if isinstance(fields, dict) else None
    if not isinstance(branches, list) or first.get("class_name") != "Merge":
        return node
    flat: list[JSON] = []
    inputs, joined = [], []
    for number, branch in enumerate(branches, 1):
        inner = branch.get("config") if isinstance(branch, dict) else None
        if not isinstance(inner, list) or not _simple(inner):
            context.problem(first, "joins models that are no plain Sequential")
            return node
        inputs.append(_input(inner[0], f"branch_{number}"))
        joined.append(_chained(inner, inputs[-1]["name"], flat))
    config = {key: value for key, value in first["config"].items() if key != "layers"}
    merge = {"class_name": "Merge", "config": config}
    flat.append(_called(merge, [[one, 0, 0] for one in joined]))
    last = _chained(layers[1:], flat[-1]["name"], flat)
    ends = {
        "input_layers": [[one["name"], 0, 0] for one in inputs],
        "output_layers": [[last, 0, 0]],
    }
    name = node.get("name") or "sequential"
    return {"class_name": "Model", "config": {"name": name, "layers": [*inputs, *flat], **ends}}


def _simple(layers: list[Any]) -> bool:
    """Say whether these are layers, none of them a model, the first of which has a shape."""
    fields = [one.get("config") if isinstance(one, dict) else None for one in layers]
    leaves = all(isinstance(one, dict) and "layers" not in one for one in fields)
    return bool(leaves and fields and "batch_input_shape" in (fields[0] or {}))


def _input(first: JSON, name: str) -> JSON:
    config = first["config"]
    fields = {
        "name": f"{name}_input",
        "batch_input_shape": config["batch_input_shape"],
        "input_dtype": config.get("input_dtype", "float32"),
    }
    return _called({"class_name": "InputLayer", "config": fields}, [])


def _chained(layers: list[JSON], before: str, flat: list[JSON]) -> str:
    """Append the layers, each called with the one before; return the name of the last."""
    for one in layers:
        flat.append(_called(one, [[before, 0, 0]]))
        before = flat[-1]["name"]
    return before


def _called(node: JSON, inputs: list[list[Any]]) -> JSON:
    name = node["config"].get("name")
    return {**node, "name": name, "inbound_nodes": [inputs] if inputs else []}
