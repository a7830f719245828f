"""Functions that only code makes, for a file to tell when code has put others in their places.

No file holds a function, so the code of classes makes them again: the lambda of an activation, a
closure in a dict. Where such a one was exchanged, the model that loads would compute another thing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import keras

from kport.checkpoint import JSON, split_name
from kport.components import is_function, leaves, text_of
from kport.errors import Problem
from kport.model._attributes import PLAIN, beside_books
from kport.model._walk import Walk
from kport.model.changes._function_prints import (
    computes_another,
    function_print,
)

__all__ = ["functions_of", "other_functions", "shown"]

_CALL = "call"  # Keras gives no layer one of its own


def functions_of(found: Walk, told: Collection[int]) -> Iterator[tuple[str, JSON]]:
    """Yield path of a layer, and path of an attribute -> what tells its function, where there are.

    Arguments:
        found: The model.
        told: The ids of what its config tells, the functions in it among them.
    """
    for path, layer in found.layers():
        of_keras = type(layer).__module__.startswith("keras.")
        if of_keras and id(layer) in told:
            continue  # its config has their names
        functions = {name: function_print(one) for name, one in _functions(layer, told)}
        if of_keras:  # whose config, as code makes it, has the names of all that have one
            functions = {name: one for name, one in functions.items() if "name" not in one}
        if functions:
            yield path, functions


def _functions(layer: keras.Layer, told: Collection[int]) -> Iterator[tuple[str, Any]]:
    held = beside_books(layer).items()
    for name, one in leaves({name: one for name, one in held if type(one) not in PLAIN}):
        if is_function(one) and id(one) not in told:
            yield name, one
    if is_function(own := vars(layer).get(_CALL)):
        yield _CALL, own


def other_functions(found: Walk, stored: Mapping[str, JSON]) -> Iterator[Problem]:
    """Yield each function that is another here; what code has yet to make is none.

    Arguments:
        found: The live model.
        stored: Path of a layer -> its state in the file.
    """
    for path, layer in found.layers():
        functions = stored.get(path or ".", {}).get("functions", {})
        ours = dict(leaves(beside_books(layer))) if functions else {}
        ours |= {_CALL: vars(layer)[_CALL]} if _CALL in vars(layer) else {}
        for name, theirs in functions.items():
            told = _told_here(name, ours.get(name))
            if told is not None and computes_another(theirs, told):
                place = ".".join(one for one in (path, *split_name(name)) if one)
                text = f"is {shown(theirs)} in the file and {shown(told)} in the code here"
                yield Problem(place, text)


def _told_here(name: str, thing: Any) -> JSON | None:
    """Return what tells a function, or what stands in its place; None where nothing does yet."""
    if is_function(thing):
        return function_print(thing)
    if thing is None:
        return {"text": "the method"} if name == _CALL else None
    return {"text": text_of(thing)}


def shown(told: JSON) -> str:
    """Return what tells a function, for people."""
    said = told.get("text") or told.get("name") or "a function"
    held = [one for one in told.get("with", []) if one is not None]
    held += [{name: one} for name, one in told.get("globals", {}).items()]
    return f"{said} (with {json.dumps(held)})" if held else str(said)
