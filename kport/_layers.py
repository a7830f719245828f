"""Walk a serialized model for its layers and for the classes it needs, as data only.

The form is that of ``keras.saving.serialize_keras_object`` (Keras 3.15, serialization_lib.py): an
object is ``{"module", "class_name", "config", "registered_name"}``, and Keras's own classes carry
no registered name and a module that begins with ``keras``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["LayerLine", "custom_names", "label", "layer_lines"]

_MODELS = frozenset({"Functional", "Model", "Sequential"})
_SLOTS = ("layer", "layers", "cell", "cells")  # and names that end so: forward_layer
_DEEPEST_LABEL = 4  # losses by output name, lists of them; a file may nest what it likes


@dataclass(frozen=True, slots=True)
class LayerLine:
    """One layer of the tree.

    Arguments:
        depth: 0 for the layers of the model itself, 1 for those of a model inside it.
        name: The layer's name; empty where the config gives none.
        class_name: Its class.
        package: ``keras``, or the package its class was registered in.
    """

    depth: int
    name: str
    class_name: str
    package: str


def layer_lines(config: Any) -> Iterator[LayerLine]:
    """Yield every layer below the model, each before those inside it."""
    root = config.get("config") if isinstance(config, dict) else None
    stack = _children(root, 0)
    while stack:
        slot, node, depth = stack.pop()
        inner = depth
        if _is_object(node) and _is_layer(node, slot):
            yield _line(node, depth)
            inner = depth + 1
        # The rest of a layer's own fields (its name, its build_config) holds no layers.
        below = node.get("config") if _is_object(node) else node
        stack.extend(_children(below, inner, slot))


def _children(node: Any, depth: int, slot: str = "") -> list[tuple[str, Any, int]]:
    # Reversed, as the stack gives the last one first; a list passes its own slot on to its items.
    if isinstance(node, dict):
        return [(key, value, depth) for key, value in reversed(node.items())]
    if isinstance(node, list):
        return [(slot, value, depth) for value in reversed(node)]
    return []


def _is_object(node: Any) -> bool:
    return isinstance(node, dict) and isinstance(node.get("class_name"), str) and "config" in node


def _is_layer(node: dict[str, Any], slot: str) -> bool:
    module, name = str(node.get("module") or ""), node["class_name"]
    if name.startswith("__") or name == "function":
        return False
    if slot in _SLOTS or slot.endswith(("_layer", "_layers", "_cell", "_model")):
        return True
    inner = node["config"] if isinstance(node["config"], dict) else {}
    own = not _is_keras(module) and ("name" in inner or "dtype" in inner)  # no initializer has them
    return own or module.startswith(("keras.layers", "keras.models")) or name in _MODELS


def _line(node: dict[str, Any], depth: int) -> LayerLine:
    inner = node["config"] if isinstance(node["config"], dict) else {}
    name = inner.get("name") or node.get("name")
    return LayerLine(depth, str(name or ""), node["class_name"], _package(node))


def _package(node: dict[str, Any]) -> str:
    module = str(node.get("module") or "")
    if _is_keras(module):
        return "keras"
    package, sign, _ = str(node.get("registered_name") or "").rpartition(">")
    return package if sign else module


def _is_keras(module: str) -> bool:
    return module == "keras" or module.startswith("keras.")


def custom_names(config: Any) -> tuple[str, ...]:
    """Return the name of every class and function in the config that the caller must register."""
    found: set[str] = set()
    stack = [config]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if _is_object(node):
                found.add(_custom_name(node))
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return tuple(sorted(name for name in found if name and not name.startswith("kport>")))


def _custom_name(node: dict[str, Any]) -> str:
    module, name = str(node.get("module") or ""), node["class_name"]
    if _is_keras(module) or name.startswith("__"):
        return ""
    if name == "function":
        # Keras gives "builtins" as the module of its own functions and of registered ones.
        function = str(node["config"])
        return function if ">" in function or module != "builtins" else ""
    return str(node.get("registered_name") or name)


def label(node: Any, depth: int = 0) -> str:
    """Return what a person calls a serialized object: its class, its function, or all of them.

    Example:
        >>> label({"class_name": "Adam", "config": {}}), label({"a": "mse", "b": "mae"})
        ('Adam', 'a: mse, b: mae')
    """
    if _is_object(node):
        named = node["class_name"] == "function" and isinstance(node["config"], str)
        return str(node["config"] if named else node["class_name"])
    if isinstance(node, (dict, list)) and depth == _DEEPEST_LABEL:
        return "..."
    if isinstance(node, dict):
        return ", ".join(f"{key}: {label(value, depth + 1)}" for key, value in node.items())
    if isinstance(node, list):
        return ", ".join(label(value, depth + 1) for value in node)
    return "" if node is None else str(node)
