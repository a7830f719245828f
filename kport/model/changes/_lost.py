"""What stood in a model that was saved, and the code here makes otherwise or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kport.checkpoint import JSON, ReportLine
from kport.components import is_fixed, leaves, text_of
from kport.errors import Problem
from kport.model._attributes import beside_books
from kport.model._walk import Walk
from kport.model.changes._functions import shown

__all__ = ["lost_objects", "other_objects"]


def other_objects(found: Walk, stored: Mapping[str, JSON]) -> Iterator[Problem]:
    """Yield each class, member of an enum and the like that is another here.

    Arguments:
        found: The live model.
        stored: Path of a layer -> its state in the file.
    """
    for place, mark, here in _others(found, stored):
        if is_fixed(here):
            text = f"is {mark} in the file and {text_of(here)} in the code here"
            yield Problem(place, text)


def lost_objects(found: Walk, stored: Mapping[str, JSON]) -> Iterator[ReportLine]:
    """Yield what code had put on layers, and no file can hold, where it is not here."""
    for place, mark, here in _others(found, stored):
        if not is_fixed(here):
            yield ReportLine("dropped", place, f"was {mark}, which no file can hold")


def _others(found: Walk, stored: Mapping[str, JSON]) -> Iterator[tuple[str, str, Any]]:
    """Yield path, what stood there and what stands there now, where these are not the same."""
    for path, layer in found.layers():
        state = stored.get(path or ".", {})
        objects, functions = state.get("objects", {}), state.get("functions", {})
        here = dict(leaves(beside_books(layer))) if objects or functions else {}
        lost = {
            name: mark
            for name, mark in objects.items()
            if name not in here or text_of(here[name]) != mark
        }
        for name, told in functions.items():
            if here.get(name) is None and name not in vars(type(layer)):
                lost[name] = f"the function {shown(told)}"
        for name, text in lost.items():
            yield ".".join(one for one in (path, name) if one), text, here.get(name)
