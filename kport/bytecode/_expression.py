"""The expression that a function without branches returns, as a tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kport.bytecode._marshal import Code
from kport.bytecode._nodes import (
    MAX_NODES,
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
    size_of,
)
from kport.bytecode._opcodes import Instruction, instructions

__all__ = ["expression"]


_WORDS_OF_2 = {"None": Value(None), "False": Value(False), "True": Value(True)}
_MAX_STEPS = 2_000


class _Strange(Exception):
    """It is no plain expression."""


def expression(code: Code) -> Node | None:
    """Return what the function returns, None where it is more than an expression.

    Example:
        >>> expression(read_code(text))
        Binary(sign='/', left=Input(index=0, name='x'), right=Value(value=255.0))
    """
    version, found = instructions(code)
    if len(found) > _MAX_STEPS:
        return None
    try:
        return _Machine(code, version).run(found)
    except (_Strange, IndexError):
        return None


@dataclass(slots=True)
class _Machine:
    code: Code
    version: str
    stack: list[Any] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()

    def run(self, found: list[Instruction]) -> Node:
        for place, one in enumerate(found):
            last = place == len(found) - 1
            if one.name in ("RETURN_VALUE", "RETURN_CONST"):
                if one.name == "RETURN_CONST":
                    self.stack.append(Value(self.code.constants[one.argument]))
                if not last or len(self.stack) != 1 or size_of(self.stack[0]) > MAX_NODES:
                    raise _Strange
                node: Node = self.stack[0]
                return node
            step = _STEPS.get(one.name)
            if step is None:
                raise _Strange
            step(self, one.argument)
        raise _Strange

    def push(self, node: Any) -> None:
        if size_of(node) > MAX_NODES:
            raise _Strange
        self.stack.append(node)

    def pop(self) -> Any:
        node = self.stack.pop()
        if node is None:  # the mark below a function is nobody's operand
            raise _Strange
        return node

    def many(self, count: int) -> list[Any]:
        if not 0 <= count <= len(self.stack):
            raise _Strange
        return [self.pop() for _ in range(count)][::-1]


def _attribute(of: Any, name: str) -> Node:
    return Name(f"{of.path}.{name}") if isinstance(of, Name) else Attribute(of, name)


def _load_fast(self: _Machine, place: int) -> None:
    name = self.code.variables[place]
    if name in self.variables:
        self.push(self.variables[name])
    elif place < self.code.arguments:
        self.push(Input(place, name))
    else:
        raise _Strange


def _store_fast(self: _Machine, place: int) -> None:
    self.variables[self.code.variables[place]] = self.pop()


def _load_global(self: _Machine, place: int) -> None:
    if self.version in ("3.11", "3.12"):
        if place & 1:
            self.push(None)
        place >>= 1
    name = self.code.names[place]
    self.push(_WORDS_OF_2.get(name) or Name(name))


def _load_attribute(self: _Machine, place: int) -> None:
    method = self.version == "3.12" and place & 1
    of = self.pop()
    if method:
        self.push(None)
    self.push(_attribute(of, self.code.names[place >> 1 if self.version == "3.12" else place]))


def _load_method(self: _Machine, place: int) -> None:
    of = self.pop()
    if self.version == "3.11":
        self.push(None)
    self.push(_attribute(of, self.code.names[place]))


def _called(self: _Machine, count: int, words: tuple[str, ...]) -> None:
    arguments = self.many(count)
    function = self.pop()
    if self.version in ("3.11", "3.12") and self.stack.pop() is not None:
        raise _Strange
    if len(words) > count:
        raise _Strange
    plain = arguments[: count - len(words)]
    named = tuple(zip(words, arguments[len(plain) :], strict=True))
    self.push(Call(function, tuple(plain), named))


def _call_function(self: _Machine, argument: int) -> None:
    if self.version in ("2.7", "3.0"):
        pairs = self.many(2 * (argument >> 8))
        words = tuple(one.value for one in pairs[::2] if isinstance(one, Value))
        self.stack += pairs[1::2]
        _called(self, (argument & 0xFF) + len(pairs) // 2, _checked(words, len(pairs) // 2))
    else:
        _called(self, argument, ())


def _call_keywords(self: _Machine, count: int) -> None:
    words = self.pop()
    found = words.value if isinstance(words, Value) and isinstance(words.value, tuple) else ()
    _called(self, count, _checked(found, len(found)))


def _call(self: _Machine, count: int) -> None:
    words, self.keywords = self.keywords, ()
    _called(self, count, words)


def _keyword_names(self: _Machine, place: int) -> None:
    found = self.code.constants[place]
    if not isinstance(found, tuple):
        raise _Strange
    self.keywords = _checked(found, len(found))


def _checked(words: tuple[Any, ...], count: int) -> tuple[str, ...]:
    if len(words) != count or not all(isinstance(one, str) for one in words):
        raise _Strange
    return words


def _unpacked(self: _Machine, count: int) -> None:
    of = self.pop()
    for place in reversed(range(min(count, _MAX_STEPS))):
        self.push(Item(of, Value(place)))


def _slice(self: _Machine, count: int) -> None:
    self.push(Part(tuple(self.many(count))))


def _item(self: _Machine, _: int) -> None:
    of, index = self.many(2)
    self.push(Item(of, index))


def _binary_slice(self: _Machine, _: int) -> None:
    of, start, stop = self.many(3)
    self.push(Item(of, Part((start, stop))))


def _slice_of_2(given: int) -> Callable[[_Machine, int], None]:
    def step(self: _Machine, _: int) -> None:
        stop = self.pop() if given & 2 else Value(None)
        start = self.pop() if given & 1 else Value(None)
        self.push(Item(self.pop(), Part((start, stop))))

    return step


def _extended(self: _Machine, _: int) -> None:
    more, found = self.pop(), self.pop()
    if isinstance(more, Value) and isinstance(more.value, tuple):
        more = Items(tuple(Value(one) for one in more.value), True)
    if not isinstance(found, Items) or not isinstance(more, Items):
        raise _Strange
    self.push(Items((*found.items, *more.items), True))


def _unary(sign: str) -> Callable[[_Machine, int], None]:
    return lambda self, _: self.push(Unary(sign, self.pop()))


def _binary(sign: str) -> Callable[[_Machine, int], None]:
    def step(self: _Machine, _: int) -> None:
        left, right = self.many(2)
        self.push(Binary(sign, left, right))

    return step


_SIGNS = ("+", "&", "//", "<<", "@", "*", "%", "|", "**", ">>", "-", "/", "^")


def _binary_number(self: _Machine, number: int) -> None:
    _binary(_SIGNS[number % len(_SIGNS)])(self, 0)


def _items(listed: bool) -> Callable[[_Machine, int], None]:
    return lambda self, count: self.push(Items(tuple(self.many(count)), listed))


def _nothing(self: _Machine, _: int) -> None:
    """Change nothing."""


_STEPS: Mapping[str, Callable[[_Machine, int], None]] = {
    "LOAD_CONST": lambda self, place: self.push(Value(self.code.constants[place])),
    "LOAD_FAST": _load_fast,
    "STORE_FAST": _store_fast,
    "LOAD_GLOBAL": _load_global,
    "LOAD_ATTR": _load_attribute,
    "LOAD_METHOD": _load_method,
    "CALL_FUNCTION": _call_function,
    "CALL_FUNCTION_KW": _call_keywords,
    "CALL_METHOD": _call_function,
    "CALL": _call,
    "KW_NAMES": _keyword_names,
    "PUSH_NULL": lambda self, _: self.push(None),
    "PRECALL": _nothing,
    "RESUME": _nothing,
    "UNPACK_SEQUENCE": _unpacked,
    "BUILD_SLICE": _slice,
    "BUILD_TUPLE": _items(False),
    "BUILD_LIST": _items(True),
    "LIST_EXTEND": _extended,
    "BINARY_SUBSCR": _item,
    "BINARY_SLICE": _binary_slice,
    **{f"SLICE_{given}": _slice_of_2(given) for given in range(4)},
    "UNARY_POSITIVE": _unary("+"),
    "UNARY_NEGATIVE": _unary("-"),
    "BINARY_OP": _binary_number,
    "BINARY_POWER": _binary("**"),
    "BINARY_MULTIPLY": _binary("*"),
    "BINARY_MATRIX_MULTIPLY": _binary("@"),
    "BINARY_MODULO": _binary("%"),
    "BINARY_ADD": _binary("+"),
    "BINARY_SUBTRACT": _binary("-"),
    "BINARY_FLOOR_DIVIDE": _binary("//"),
    "BINARY_TRUE_DIVIDE": _binary("/"),
    "BINARY_DIVIDE": _binary("/ of Python 2"),
}
