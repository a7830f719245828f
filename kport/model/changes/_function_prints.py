"""What a function that only code makes computes, as far as it can be told without running it.

An expression is told by its text, which is the same on every version of Python. Anything longer is
told by a hash of its bytecode, which says nothing to another version. Beside it stand the plain
values and functions that it closes over, has for defaults, or reads of its module.
"""

from __future__ import annotations

import base64
import dis
import json
import marshal
import platform
from collections.abc import Iterator
from functools import partial
from types import BuiltinFunctionType, CodeType, FunctionType
from typing import Any

from kport.bytecode import expression, read_code, text_of
from kport.checkpoint import digest
from kport.components import FOREIGN, is_function, is_plain, print_of
from kport.errors import CorruptFileError

__all__ = ["computes_another", "function_print"]

JSON = dict[str, Any]

_MOST = 100  # functions that one leads to
_LONG = 200  # a longer text is told by its hash
_OF_A_VERSION = {"code", "python"}
_OURS = frozenset({"kport", "kport_compat"})


def function_print(function: Any) -> JSON:
    """Return what tells a function from others, as JSON."""
    return _print(function, set())


def _print(function: Any, seen: set[int]) -> JSON:
    if isinstance(function, partial):
        held = [function.func, *function.args, *sorted(function.keywords.items())]
        return {"name": "partial", "with": [_told(one, seen) for one in held]}
    if known := _known_name(function):
        return {"name": known}
    if id(function) in seen or len(seen) >= _MOST:  # it is told already, and may call itself
        return {"name": function.__name__}
    seen.add(id(function))
    cells = [_contents(cell) for cell in function.__closure__ or ()]
    held = [*cells, *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    told = {**_code(function.__code__), "with": [_told(one, seen) for one in held]}
    read = {name: one for name, one in _globals(function, seen) if one is not None}
    return {**told, "globals": read} if read else told


def _globals(function: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Yield what a function reads of its module: plain values, and functions that stand there.

    A function that is imported from another module is what its name means there.
    """
    own = function.__globals__
    for name in sorted(_names_read(function.__code__) & own.keys()):
        value = own[name]
        imported = isinstance(value, FunctionType) and value.__globals__ is not own
        yield name, {"name": value.__name__} if imported else _told(value, seen)


def _names_read(code: CodeType) -> set[str]:
    return {
        one.argval
        for part in _every(code)
        for one in dis.get_instructions(part)
        if one.opname == "LOAD_GLOBAL" and not one.argval.startswith("__")
    }


def _known_name(function: Any) -> str:
    """Return the name by which code goes on to find a function, whatever that does by then."""
    import keras

    # Which module of Keras it is in may change.
    root = str(function.__module__).partition(".")[0]
    if isinstance(function, BuiltinFunctionType) or root in FOREIGN | _OURS:
        return str(function.__name__)
    registered: str = keras.saving.get_registered_name(function)
    return "" if registered == function.__name__ else registered


def _told(value: Any, seen: set[int]) -> Any:
    if is_function(value):
        return _print(value, seen)
    if isinstance(value, tuple) and any(map(is_function, value)):
        return [_told(one, seen) for one in value]
    if not is_plain(value):
        return None
    text = print_of(value)
    return text if len(text) <= _LONG else digest(text.encode())


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # of a name that is not bound yet
        return None


def _code(code: CodeType) -> JSON:
    try:
        found = expression(read_code(base64.b64encode(marshal.dumps(code)).decode()))
    except CorruptFileError:
        found = None
    if found is not None:
        return {"text": text_of(found)}
    parts = json.dumps([list(_parts(one)) for one in _every(code)])
    version = ".".join(platform.python_version_tuple()[:2])
    return {"python": version, "code": digest(parts.encode())}


def _every(code: CodeType) -> Iterator[CodeType]:
    yield code
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _every(one)


def _parts(code: CodeType) -> Iterator[Any]:
    """What two functions of one text have in common, wherever they stand."""
    yield code.co_code.hex()
    yield code.co_names
    for one in code.co_consts:
        if not isinstance(one, CodeType):
            yield sorted(map(repr, one)) if isinstance(one, frozenset) else repr(one)


def computes_another(one: Any, other: Any) -> bool:
    """Whether two prints are certainly not of one function.

    Arguments:
        one: That of the file, which may be of another version of Python.
        other: That of the code here.
    """
    if isinstance(one, list) and isinstance(other, list):
        return len(one) != len(other) or any(map(computes_another, one, other))
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return bool(one != other)
    versions = "code" in one and "code" in other and one.get("python") != other.get("python")
    keys = (one.keys() | other.keys()) - (_OF_A_VERSION if versions else set()) - {"globals"}
    read, here = one.get("globals", {}), other.get("globals", {})
    return any(
        key not in one or key not in other or computes_another(one[key], other[key]) for key in keys
    ) or any(name not in here or computes_another(told, here[name]) for name, told in read.items())
