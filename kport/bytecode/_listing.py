"""What a function does, for a person who has to write it anew."""

from __future__ import annotations

from collections.abc import Sequence

from kport.bytecode._expression import expression
from kport.bytecode._marshal import Code
from kport.bytecode._opcodes import Instruction, instructions
from kport.bytecode._text import text_of

__all__ = ["listing"]

_MAX_LINES = 60
_MAX_WORDS = 400


def listing(code: Code) -> str:
    """Return ``lambda x: x / 255`` where it is an expression, else names and instructions."""
    head = ", ".join(code.variables[: code.arguments])
    found = expression(code)
    if found is not None:
        return f"lambda {head}: {text_of(found)}"[:_MAX_WORDS]
    name = "lambda" if code.name == "<lambda>" else f"def {code.name}"
    constants = [one for one in code.constants if one is not None and not isinstance(one, Code)]
    said = f"{name}({head}), names {', '.join(code.names) or '-'}, constants {constants!r:.120}"
    _, steps = instructions(code)
    lines = [f"    {_line(one, code)}" for one in steps[:_MAX_LINES]]
    more = [f"    and {len(steps) - _MAX_LINES} more"] if len(steps) > _MAX_LINES else []
    return "\n".join([said, *lines, *more])


def _line(one: Instruction, code: Code) -> str:
    place = (
        one.argument >> 1 if one.name == "LOAD_GLOBAL" and code.layout == "3.11" else (one.argument)
    )
    tables: dict[str, Sequence[object]] = {
        "LOAD_CONST": code.constants,
        "LOAD_FAST": code.variables,
        "STORE_FAST": code.variables,
        "LOAD_GLOBAL": code.names,
        "LOAD_ATTR": code.names,
        "LOAD_METHOD": code.names,
    }
    table = tables.get(one.name, ())
    if place >= len(table):
        return f"{one.name} {one.argument}" if one.argument else one.name
    value = table[place]
    word = f"{value!r:.60}" if one.name == "LOAD_CONST" else str(value)
    return f"{one.name} {'a function' if isinstance(value, Code) else word}"
