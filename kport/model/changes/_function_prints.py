"""What a function that only code makes computes, as far as it can be told without running it.

An expression is told by its text, which is the same on every version of Python. Anything longer is
told by a hash of its bytecode, which says nothing to another version. Beside it stand the plain
values and functions that it closes over, or has for defaults.
"""

from __future__ import annotations

import base64
import json
import marshal
import platform
from collections.abc import Iterator
from functools import partial
from types import BuiltinFunctionType, CodeType, FunctionType
from typing import Any

from kport.bytecode import expression, read_code, text_of
from kport.checkpoint import digest
from kport.components import FOREIGN, is_plain, print_of
from kport.errors import CorruptFileError

__all__ = ["computes_another", "function_print", "is_function"]

JSON = dict[str, Any]

_DEEPEST = 8  # functions that close over functions
_OURS = frozenset({"kport", "kport_compat"})


def is_function(value: Any) -> bool:
    """Whether it is a function that `function_print` tells."""
    return isinstance(value, (FunctionType, BuiltinFunctionType, partial))


def function_print(function: Any, depth: int = 0) -> JSON:
    """Return what tells a function from others, as JSON."""
    if depth > _DEEPEST:
        return {}
    if isinstance(function, partial):
        held = [function.func, *function.args, *sorted(function.keywords.items())]
        return {"name": "partial", "with": [_told(one, depth) for one in held]}
    if known := _known_name(function):
        return {"name": known}
    cells = [_contents(cell) for cell in function.__closure__ or ()]
    held = [*cells, *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    return {**_code(function.__code__), "with": [_told(one, depth) for one in held]}


def _known_name(function: Any) -> str:
    """Return the name by which code goes on to find a function, whatever that does by then."""
    import keras

    # Which module of Keras it is in may change.
    root = str(function.__module__).partition(".")[0]
    if isinstance(function, BuiltinFunctionType) or root in FOREIGN | _OURS:
        return str(function.__name__)
    registered: str = keras.saving.get_registered_name(function)
    return "" if registered == function.__name__ else registered


def _told(value: Any, depth: int) -> Any:
    if is_function(value):
        return function_print(value, depth + 1)
    if isinstance(value, tuple) and any(map(is_function, value)):
        return [_told(one, depth) for one in value]
    return print_of(value) if is_plain(value) else None


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


def computes_another(one: JSON, other: JSON) -> bool:
    """Whether two prints are certainly not of one function."""
    if "code" in one and "code" in other and one.get("python") != other.get("python"):
        return False
    return one != other
