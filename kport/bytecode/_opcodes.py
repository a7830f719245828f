"""The instructions that expressions are made of, as each Python numbers them.

Sources: ``Include/opcode.h`` and ``Lib/opcode.py`` of CPython 2.7 to 3.12. An instruction that no
table has is shown by its number.
"""

from __future__ import annotations

from dataclasses import dataclass

from kport.bytecode._marshal import Code

__all__ = ["Instruction", "instructions"]


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction; a name of ``OP_n`` where it is not known."""

    name: str
    argument: int


_COMMON = {
    2: "ROT_TWO",
    4: "DUP_TOP",
    10: "UNARY_POSITIVE",
    11: "UNARY_NEGATIVE",
    12: "UNARY_NOT",
    15: "UNARY_INVERT",
    19: "BINARY_POWER",
    20: "BINARY_MULTIPLY",
    22: "BINARY_MODULO",
    23: "BINARY_ADD",
    24: "BINARY_SUBTRACT",
    25: "BINARY_SUBSCR",
    26: "BINARY_FLOOR_DIVIDE",
    27: "BINARY_TRUE_DIVIDE",
    83: "RETURN_VALUE",
    92: "UNPACK_SEQUENCE",
    100: "LOAD_CONST",
    102: "BUILD_TUPLE",
    103: "BUILD_LIST",
    106: "LOAD_ATTR",
    107: "COMPARE_OP",
    116: "LOAD_GLOBAL",
    124: "LOAD_FAST",
    125: "STORE_FAST",
    131: "CALL_FUNCTION",
    133: "BUILD_SLICE",
    136: "LOAD_DEREF",
}
_NEWER = {
    2: "PUSH_NULL",
    10: "UNARY_POSITIVE",
    11: "UNARY_NEGATIVE",
    12: "UNARY_NOT",
    15: "UNARY_INVERT",
    25: "BINARY_SUBSCR",
    83: "RETURN_VALUE",
    92: "UNPACK_SEQUENCE",
    100: "LOAD_CONST",
    102: "BUILD_TUPLE",
    103: "BUILD_LIST",
    106: "LOAD_ATTR",
    107: "COMPARE_OP",
    116: "LOAD_GLOBAL",
    122: "BINARY_OP",
    124: "LOAD_FAST",
    125: "STORE_FAST",
    133: "BUILD_SLICE",
    137: "LOAD_DEREF",
    149: "COPY_FREE_VARS",
    151: "RESUME",
    162: "LIST_EXTEND",
    171: "CALL",
    172: "KW_NAMES",
}
_TABLES = {
    "2.7": {**_COMMON, 21: "BINARY_DIVIDE", **{30 + n: f"SLICE_{n}" for n in range(4)}},
    "3.0": {**_COMMON, 16: "BINARY_MATRIX_MULTIPLY"},
    "3.6": {
        **_COMMON,
        16: "BINARY_MATRIX_MULTIPLY",
        141: "CALL_FUNCTION_KW",
        160: "LOAD_METHOD",
        161: "CALL_METHOD",
        162: "LIST_EXTEND",
    },
    "3.11": {**_NEWER, 160: "LOAD_METHOD", 166: "PRECALL"},
    "3.12": {**_NEWER, 26: "BINARY_SLICE", 121: "RETURN_CONST"},
}
# Units of two bytes behind an instruction that are kept free for the interpreter.
_CACHES = {
    "3.11": {
        "BINARY_OP": 1,
        "BINARY_SUBSCR": 4,
        "CALL": 4,
        "COMPARE_OP": 2,
        "LOAD_ATTR": 4,
        "LOAD_GLOBAL": 5,
        "LOAD_METHOD": 10,
        "PRECALL": 1,
        "UNPACK_SEQUENCE": 1,
    },
    "3.12": {
        "BINARY_OP": 1,
        "BINARY_SUBSCR": 1,
        "CALL": 3,
        "COMPARE_OP": 1,
        "LOAD_ATTR": 9,
        "LOAD_GLOBAL": 4,
        "UNPACK_SEQUENCE": 1,
    },
}
_EXTENDED = {"2.7": 145}  # 144 later
_RESUME = 151  # the first instruction but for COPY_FREE_VARS
_HAS_ARGUMENT = 90  # up to 3.5, instructions below this number are one byte long
_VERSIONS = {"2.7": ("2.7",), "3.0": ("3.6", "3.0"), "3.8": ("3.6",), "3.11": ("3.11", "3.12")}


def instructions(code: Code) -> tuple[str, list[Instruction]]:
    """Return the oldest Python with these instructions, and the instructions; none if unknown.

    Where several fit, the one with the fewest unknown instructions is taken: a wrong one meets
    numbers that are none.
    """
    if code.layout == "3.11" and _RESUME not in code.instructions[:4:2]:
        return "", []  # Python 3.13 has numbers of its own
    found = []
    for version in _VERSIONS[code.layout]:
        decoded = _units(code.instructions, version)
        strange = sum(one.name.startswith("OP_") for one in decoded)
        ends = bool(decoded) and decoded[-1].name in ("RETURN_VALUE", "RETURN_CONST")
        found.append((not ends, strange, version, decoded))
    _, _, version, decoded = min(found, key=lambda one: one[:2])
    return version, decoded


def _units(data: bytes, version: str) -> list[Instruction]:
    table, caches = _TABLES[version], _CACHES.get(version, {})
    found: list[Instruction] = []
    at = high = 0
    while at < len(data):
        opcode = data[at]
        long = version in ("2.7", "3.0")
        size = (3 if opcode >= _HAS_ARGUMENT else 1) if long else 2
        argument = int.from_bytes(data[at + 1 : at + size], "little")
        at += size
        if opcode == _EXTENDED.get(version, 144):
            high = (high | argument) << (16 if long else 8)
            high &= 0xFFFFFFFF
            continue
        name = table.get(opcode, f"OP_{opcode}")
        found.append(Instruction(name, argument | high))
        high = 0
        at += 2 * caches.get(name, 0)
    return found
