"""What stood in a model that was saved, and no code here makes: objects and functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kport.checkpoint import JSON, ReportLine
from kport.components import leaves, text_of
from kport.model._attributes import beside_books
from kport.model._walk import Walk
from kport.model.changes._functions import shown

__all__ = ["lost_objects"]


def lost_objects(found: Walk, stored: Mapping[str, JSON]) -> Iterator[ReportLine]:
    """Yield what code had put on layers, and no file can hold, where it is not here.

    Arguments:
        found: The live model.
        stored: Path of a layer -> its state in the file.
    """
    for path, layer in found.layers():
        state = stored.get(path or ".", {})
        objects, functions = state.get("objects", {}), state.get("functions", {})
        here = dict(leaves(beside_books(layer))) if objects or functions else {}
        lost = {
            name: f"was {mark}"
            for name, mark in objects.items()
            if name not in here or text_of(here[name]) != mark
        }
        for name, told in functions.items():
            if here.get(name) is None and name not in vars(type(layer)):
                lost[name] = f"was the function {shown(told)}"
        for name, text in lost.items():
            place = ".".join(one for one in (path, name) if one)
            yield ReportLine("dropped", place, f"{text}, which no file can hold")
