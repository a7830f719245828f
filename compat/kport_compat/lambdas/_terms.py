"""The expression of a function as plain data of which every word is known.

A term is a constant, or an object with one key: ``in`` (an argument), ``call`` (a function of
TensorFlow, with ``args`` and ``kwargs``), ``item`` and ``at``, ``items``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kport.bytecode import (
    Binary,
    Call,
    Code,
    Input,
    Item,
    Items,
    Name,
    Node,
    Part,
    Unary,
    Value,
    expression,
)
from kport_compat.lambdas._functions import BACKEND, OPERATORS
from kport_compat.ops import ADAPTERS, canonical

__all__ = ["terms_of"]

_BACKENDS = ("K.", "backend.", "keras.backend.", "tf.keras.backend.", "tensorflow.keras.backend.")
_TENSORFLOW = ("tf.", "tensorflow.")
_TOLD = frozenset({"mask", "training"})  # arguments that Keras fills in itself


class _Unknown(Exception):
    """A word that no rule has."""


def terms_of(code: Code, given: Mapping[str, Any]) -> Any | None:
    """Return the terms of what the function returns, None where a word of it is not known.

    Arguments:
        code: The function.
        given: Arguments beside the first one, by name: defaults and ``arguments`` of the layer.
    """
    found = expression(code)
    if found is None or _TOLD & set(code.variables[: code.arguments]):
        return None
    try:
        return _term(found, given)
    except _Unknown:
        return None


def _term(node: Node, given: Mapping[str, Any]) -> Any:
    match node:
        case Input(0, _):
            return {"in": 0}
        case Input(_, name) if name in given:
            return _constant(given[name])
        case Value(value):
            return _constant(value)
        case Items(items, _):
            return {"items": [_term(one, given) for one in items]}
        case Unary("-", operand):
            return _called("math.negative", [_tensor(operand, given)])
        case Unary("+", operand):
            return _tensor(operand, given)
        case Binary(sign, left, right) if sign in OPERATORS:
            return _binary(sign, left, right, given)
        case Item(of, index):
            return {"item": _tensor(of, given), "at": _index(index, given)}
        case Call(Name(path), arguments, named):
            return _call(path, arguments, dict(named), given)
    raise _Unknown


def _binary(sign: str, left: Node, right: Node, given: Mapping[str, Any]) -> Any:
    operands = [_term(left, given), _term(right, given)]
    lists = any(isinstance(one, dict) and "items" in one for one in operands)
    if lists or not any(isinstance(one, dict) for one in operands):
        raise _Unknown  # Python's own arithmetic
    return _called(OPERATORS[sign], operands)


def _constant(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return {"items": [_constant(one) for one in value]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise _Unknown


def _tensor(node: Node, given: Mapping[str, Any]) -> Any:
    term = _term(node, given)
    if not isinstance(term, dict) or "items" in term:
        raise _Unknown
    return term


def _index(node: Node, given: Mapping[str, Any]) -> Any:
    if isinstance(node, Items):
        return {"items": [_index(one, given) for one in node.items]}
    if isinstance(node, Part):
        bounds = (*node.bounds, Value(None))[:3]
        words = ("start", "stop", "step")
        return dict(zip(words, map(_bound, bounds), strict=True))
    if node == Value(...):
        return {"class_name": "__ellipsis__"}
    return _bound(node)


def _bound(node: Node) -> Any:
    if isinstance(node, Value) and (node.value is None or type(node.value) is int):
        return node.value
    raise _Unknown


def _called(symbol: str, args: list[Any], kwargs: Mapping[str, Any] | None = None) -> Any:
    if symbol not in ADAPTERS:
        raise _Unknown
    return {"call": symbol, "args": args, "kwargs": dict(kwargs or {})}


def _call(
    path: str, arguments: tuple[Node, ...], named: dict[str, Node], given: Mapping[str, Any]
) -> Any:
    args = [_term(one, given) for one in arguments]
    kwargs = {word: _term(one, given) for word, one in named.items()}
    for root in _BACKENDS:
        if path.startswith(root):
            return _of_backend(path.removeprefix(root), args, kwargs)
    for root in _TENSORFLOW:
        if path.startswith(root):
            kwargs.pop("name", None)
            return _called(canonical(path.removeprefix(root)), args, kwargs)
    raise _Unknown


def _of_backend(name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    function = BACKEND.get(name)
    if function is None or len(args) > len(function.names):
        raise _Unknown
    words = list(function.names)
    bound = {**function.defaults, **dict(zip(words, args, strict=False)), **kwargs}
    if set(bound) - set(words):
        raise _Unknown
    if name == "sqrt":
        bound["x"] = _called("math.maximum", [bound["x"], 0.0])
    return _called(
        function.symbol, [], {function.names[word]: term for word, term in bound.items()}
    )
