"""Lambda layers: the code a file carries is shown and never run; the caller gives a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kport.bytecode import carries_code
from kport.errors import UsageError

__all__ = ["with_functions"]

JSON = dict[str, Any]
Function = Callable[..., Any]

_EXPRESSION = "kport>Expression"  # kport's own reading of a Lambda, see kport_compat.lambdas
_KEPT = ("name", "trainable", "dtype", "arguments")


def with_functions(config: JSON, functions: Mapping[str, Function], custom: dict[str, Any]) -> JSON:
    """Return the config with the caller's functions in the places of code.

    Arguments:
        config: A serialized model; it is not changed.
        functions: Name of a Lambda layer -> its function.
        custom: Takes the functions that are not registered.

    Raises:
        UsageError: There is no Lambda layer of a name, or its value is no function.
    """
    for name, function in functions.items():
        if not callable(function):
            raise UsageError(f"lambdas[{name!r}] is a {type(function).__name__}, no function")
    found: list[str] = []
    new: JSON = _replaced(config, functions, custom, found)
    missing = sorted(functions.keys() - set(found))
    if missing:
        raise UsageError(
            f"lambdas: the model has no Lambda layer {', '.join(map(repr, missing))}",
            remedy=f"Its Lambda layers are {', '.join(map(repr, found)) or 'none'}.",
        )
    return new


def _replaced(
    node: Any, functions: Mapping[str, Function], custom: dict[str, Any], found: list[str]
) -> Any:
    if isinstance(node, list):
        return [_replaced(one, functions, custom, found) for one in node]
    if not isinstance(node, dict):
        return node
    inner = node.get("config")
    if isinstance(inner, dict) and _is_lambda(node, inner):
        name = str(inner.get("name"))
        found.append(name)
        if name in functions:
            return _native(node, inner, _reference(name, functions[name], custom))
        return node
    return {key: _replaced(one, functions, custom, found) for key, one in node.items()}


def _is_lambda(node: JSON, inner: JSON) -> bool:
    ours = node.get("registered_name") == _EXPRESSION
    return ours or (node.get("class_name") == "Lambda" and carries_code(inner))


def _native(node: JSON, inner: JSON, function: JSON) -> JSON:
    config = {key: inner[key] for key in _KEPT if key in inner}
    plain = {"module": "keras.layers", "class_name": "Lambda", "registered_name": None}
    rest = {key: one for key, one in node.items() if key in ("name", "inbound_nodes")}
    return {**rest, **plain, "config": {**config, "function": function}}


def _reference(layer: str, function: Function, custom: dict[str, Any]) -> JSON:
    import keras

    name = keras.saving.get_registered_name(function)
    if keras.saving.get_registered_object(name) is not function:
        name = f"lambdas.{layer}"
        custom[name] = function
    return {"module": None, "class_name": "function", "config": name, "registered_name": name}
