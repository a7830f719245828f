"""The parts that an expression is a tree of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = [
    "MAX_NODES",
    "Attribute",
    "Binary",
    "Call",
    "Input",
    "Item",
    "Items",
    "Name",
    "Node",
    "Part",
    "Unary",
    "Value",
    "size_of",
]

MAX_NODES = 20_000  # a variable used twice, over and over, would grow without end


@dataclass(frozen=True, slots=True)
class Input:
    """An argument of the function, by its place."""

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class Value:
    """A constant."""

    value: Any


@dataclass(frozen=True, slots=True)
class Name:
    """A global name and attributes of it: ``K.mean``."""

    path: str


@dataclass(frozen=True, slots=True)
class Items:
    """A tuple or a list."""

    items: tuple[Node, ...]
    listed: bool


@dataclass(frozen=True, slots=True)
class Part:
    """``start:stop:step`` of an index."""

    bounds: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """An operator with one operand."""

    sign: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator with two operands."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Item:
    """``of[index]``."""

    of: Node
    index: Node


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a global function, or of a method: then `function` is an `Attribute`."""

    function: Node
    arguments: tuple[Node, ...]
    named: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of something that is no global name."""

    of: Node
    name: str


Node = Input | Value | Name | Items | Part | Unary | Binary | Item | Call | Attribute


def size_of(node: Any) -> int:
    """Count the nodes of a tree, at most one more than is allowed."""
    count, todo = 0, [node]
    while todo and count <= MAX_NODES:
        one = todo.pop()
        count += 1
        if isinstance(one, Items):
            todo += one.items
        elif isinstance(one, Part):
            todo += one.bounds
        elif isinstance(one, Unary):
            todo.append(one.operand)
        elif isinstance(one, Binary):
            todo += (one.left, one.right)
        elif isinstance(one, Item):
            todo += (one.of, one.index)
        elif isinstance(one, Call):
            todo += (one.function, *one.arguments, *(node for _, node in one.named))
        elif isinstance(one, Attribute):
            todo.append(one.of)
    return count
