"""Lambda layers in the config of a model, and what to tell of their code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from kport.bytecode._listing import listing
from kport.bytecode._marshal import read_code
from kport.errors import CorruptFileError

__all__ = ["carries_code", "lambdas_in", "shown"]

JSON = dict[str, Any]


def lambdas_in(config: Any) -> Iterator[JSON]:
    """Yield every Lambda layer of a config whose function is code, in the order of the config."""
    stack = [config]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(reversed(node))
        elif isinstance(node, dict):
            if node.get("class_name") == "Lambda" and carries_code(node.get("config")):
                yield node
            else:
                stack.extend(reversed(node.values()))


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
