"""Lambda layers: the code a file carries is shown and never run; the caller gives a function."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kport.bytecode import listing, read_code
from kport.errors import CorruptFileError, UsageError

__all__ = ["carries_code", "shown", "with_functions"]

JSON = dict[str, Any]
Function = Callable[..., Any]

_EXPRESSION = "kport>Expression"  # kport's own reading of a Lambda, see kport_compat.lambdas
_KEPT = ("name", "trainable", "dtype", "arguments")


def carries_code(config: object) -> bool:
    """Say whether the function of a Lambda is code, and not the name of a registered function."""
    function = config.get("function") if isinstance(config, dict) else None
    named = isinstance(function, str) or (
        isinstance(function, dict) and function.get("class_name") == "function"
    )
    return not named


def shown(node: JSON) -> str:
    """Return what the code of a Lambda says, its shapes where the file tells them, and what to do.

    Example:
        >>> shown(node)
        "lambda x: K.sqrt((x * x) + 0.5) * 3; pass lambdas={'odd': function}"
    """
    config = node["config"] if isinstance(node["config"], dict) else {}
    try:
        said = listing(read_code(_code(config)))
    except CorruptFileError as error:
        said = f"its code {error.message}"
    shapes = [f"{word} {json.dumps(one)}" for word, one in _shapes(config, node)]
    name = str(config.get("name"))
    return "; ".join([said, *shapes, f"pass lambdas={{{name!r}: function}}"])


def _code(config: JSON) -> Any:
    function = config.get("function")
    inner = function.get("config") if isinstance(function, dict) else function
    if isinstance(inner, dict):
        return inner.get("code")
    return inner[0] if isinstance(inner, list) and inner else None


def _shapes(config: JSON, node: JSON) -> Iterator[tuple[str, Any]]:
    build = node.get("build_config")
    if isinstance(build, dict) and "input_shape" in build:
        yield "its input is", build["input_shape"]
    shape = config.get("output_shape")
    plain = isinstance(shape, list) and all(isinstance(one, int | None) for one in shape)
    if plain and config.get("output_shape_type", "raw") == "raw":
        yield "it says its output is", shape
    if config.get("arguments"):
        yield "its arguments are", config["arguments"]


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
