"""The error of models whose code makes other layers than the file tells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kport.errors import LoadError, Problem

__all__ = ["otherwise", "refuse_others"]

_MAX_TEXT = 80


def refuse_others(problems: list[Problem], remedy: str) -> None:
    if problems:
        raise LoadError(
            "the code here makes other layers than the code that wrote the file",
            problems=problems,
            remedy=f"{remedy} kport.load_weights(model, path), which compares weights alone.",
        )


def otherwise(place: str, theirs: Any, ours: Any) -> Problem:
    """Say that something is another here than in the file."""
    text = f"is {_short(theirs)} in the file and {_short(ours)} in the code here"
    return Problem(place, text)


def _short(value: Any) -> str:
    if isinstance(value, Mapping) and value.get("class_name") == "function":
        value = value.get("config")
    text = json.dumps(value, default=str)
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}..."
