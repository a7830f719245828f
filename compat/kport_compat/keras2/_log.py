"""What a translation has to tell: notes for the report, problems for the error."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kport.checkpoint import JSON, Note
from kport.errors import Problem

__all__ = ["MODERN", "Log", "facts_of", "version_of"]

MODERN = (2, 15)
"""Major and minor version of the last Keras 2 that TensorFlow brought along."""


def version_of(text: str | None) -> tuple[int, int]:
    """Return major and minor version; that of Keras 1 where a file has none, as its files.

    Example:
        >>> version_of("2.9.0"), version_of("2.2.4-tf"), version_of(None)
        ((2, 9), (2, 2), (1, 0))
    """
    found = re.match(r"(\d{1,2})(?:\.(\d{1,3}))?", text or "")
    return (int(found[1]), int(found[2] or 0)) if found else (1, 0)


def facts_of(config: Any) -> frozenset[str]:
    """Return which of these hold somewhere in a config.

    ``masks``: a layer makes a mask; ``attention masks``: a call is given one; ``integers``: an
    input takes whole numbers.
    """
    facts = set()
    stack = [config]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(node)
        elif isinstance(node, dict):
            stack.extend(node.values())
            if node.get("mask_zero") or node.get("class_name") == "Masking":
                facts.add("masks")
            if node.get("attention_mask") is not None:
                facts.add("attention masks")
            shaped = "batch_input_shape" in node or "batch_shape" in node
            if shaped and "int" in str(node.get("dtype")):
                facts.add("integers")
    return frozenset(facts)


@dataclass(slots=True)
class Log:
    """Collects notes and problems of one translation.

    Arguments:
        nested: Translates a layer or model that stands inside of another object.
        version: Major and minor version of the Keras that wrote the config.
        facts: What the config says anywhere in it, see `facts_of`.
    """

    nested: Callable[[JSON, Log], JSON]
    version: tuple[int, int] = MODERN
    facts: frozenset[str] = frozenset()
    notes: list[Note] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)

    def translated(self, name: str, detail: str) -> None:
        """Note a change of meaning or of a name."""
        self.notes.append(Note("translated", name, detail))

    def dropped(self, name: str, detail: str) -> None:
        """Note something that is left out."""
        self.notes.append(Note("dropped", name, detail))

    def problem(self, place: str, message: str) -> None:
        """Note something that makes the config unusable."""
        self.problems.append(Problem(place, message))
