"""A Lambda layer of Keras 2 whose code is an expression of known words, made into kport's layer.

Forms: ``keras/layers/core/lambda_layer.py`` of Keras 2.12: the function is ``[code, defaults,
closure]`` or, in a ``.keras`` archive, ``{"class_name": "__lambda__", "config": {"code": ...}}``.
"""

from __future__ import annotations

from typing import Any

from kport.bytecode import Code, listing, read_code
from kport.checkpoint import JSON
from kport.errors import CorruptFileError
from kport_compat.keras2._log import Log
from kport_compat.lambdas import terms_of

__all__ = ["expression_of"]

_KEPT = ("name", "trainable", "dtype")


def expression_of(config: JSON, place: str, log: Log) -> JSON | None:
    """Return kport's layer in Keras 3's form, None where the code has words that no rule knows."""
    found = _read(config)
    if found is None:
        return None
    code, defaults = found
    terms = terms_of(code, {**_defaults(code, defaults), **(config.get("arguments") or {})})
    if not isinstance(terms, dict) or config.get("mask") is not None:
        return None
    text = listing(code)
    log.translated(place, f"{text}: computed by kport from what its bytecode says, never by it")
    kept = {key: config[key] for key in _KEPT if key in config}
    return {
        "module": None,
        "class_name": "Expression",
        "config": {**kept, "terms": terms, "text": text},
        "registered_name": "kport>Expression",
    }


def _read(config: JSON) -> tuple[Code, Any] | None:
    function = config.get("function")
    if isinstance(function, dict) and function.get("class_name") == "__lambda__":
        inner = function.get("config") or {}
        function = [inner.get("code"), inner.get("defaults"), inner.get("closure")]
    if not isinstance(function, list) or len(function) != 3 or function[2]:
        return None  # a closure holds values of another function
    try:
        return read_code(function[0]), function[1]
    except CorruptFileError:
        return None


def _defaults(code: Code, defaults: Any) -> dict[str, Any]:
    values = defaults if isinstance(defaults, list) else []
    words = code.variables[: code.arguments]
    return dict(zip(words[len(words) - len(values) :], values, strict=True)) if values else {}
