"""An expression as a person writes it."""

from __future__ import annotations

from kport.bytecode._nodes import (
    Attribute,
    Binary,
    Call,
    Input,
    Item,
    Items,
    Name,
    Node,
    Part,
    Unary,
    Value,
)

__all__ = ["text_of"]

_ATOMS = Input | Name | Call | Item | Attribute | Items


def text_of(node: Node) -> str:
    """Return the text of an expression.

    Example:
        >>> text_of(Binary("/", Input(0, "x"), Value(255)))
        'x / 255'
    """
    match node:
        case Input(_, name) | Name(name):
            return name
        case Value(value):
            return "..." if value is ... else repr(value)
        case Items(items, listed):
            inner = ", ".join(map(text_of, items))
            return f"[{inner}]" if listed else f"({inner},)" if len(items) == 1 else f"({inner})"
        case Part(bounds):
            return ":".join("" if one == Value(None) else text_of(one) for one in bounds)
        case Unary(sign, operand):
            return f"{sign}{_inner(operand)}"
        case Binary(sign, left, right):
            return f"{_inner(left)} {sign} {_inner(right)}"
        case Item(of, index):
            inside = ", ".join(map(text_of, index.items)) if isinstance(index, Items) else ""
            return f"{_inner(of)}[{inside or text_of(index)}]"
        case Attribute(of, name):
            return f"{_inner(of)}.{name}"
        case Call(function, arguments, named):
            given = [*map(text_of, arguments), *(f"{word}={text_of(one)}" for word, one in named)]
            return f"{_inner(function)}({', '.join(given)})"


def _inner(node: Node) -> str:
    plain = isinstance(node, _ATOMS) or (isinstance(node, Value) and not _negative(node))
    return text_of(node) if plain else f"({text_of(node)})"


def _negative(node: Value) -> bool:
    return isinstance(node.value, int | float) and node.value < 0
