"""Whether a model can be called as the part was in whose place it is put."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kport.checkpoint._spec import JSON, ModelSpec
from kport.errors import UsageError

__all__ = ["require_same_inputs"]


def require_same_inputs(path: str, called: Any, part: ModelSpec) -> None:
    """Refuse a new part that does not take what the whole gives it.

    Sequential and functional models have fixed inputs. Any other may be called in another way than
    it was alone, with longer sequences for example.

    Arguments:
        path: The path of the part, for the error.
        called: The signature of the old part.
        part: The definition of the new one.

    Raises:
        UsageError: The inputs are others in number or shape.
    """
    if "layers" not in part.config.get("config", {}) or not called or not part.signature:
        return
    theirs, ours = list(_inputs(called)), list(_inputs(part.signature))
    if len(theirs) != len(ours) or not all(map(_fits, theirs, ours)):
        raise UsageError(
            f"the new part {path!r} takes {_text(ours)}, and the whole gives it {_text(theirs)}",
            remedy="Make the part for these inputs; or build the whole anew and save it.",
        )


def _inputs(node: Any) -> Iterator[JSON]:
    """Yield the inputs of a signature in the order of Keras, which sorts the names of a dict."""
    if isinstance(node, Mapping) and "shape" in node:
        yield dict(node)
    elif isinstance(node, (Mapping, list)):
        held = [node[name] for name in sorted(node)] if isinstance(node, Mapping) else node
        for child in held:
            yield from _inputs(child)


def _fits(given: JSON, taken: JSON) -> bool:
    pairs = zip(given["shape"], taken["shape"], strict=False)
    same = all(None in pair or pair[0] == pair[1] for pair in pairs)
    return same and len(given["shape"]) == len(taken["shape"])


def _text(inputs: list[JSON]) -> str:
    return ", ".join(f"{one['dtype']}{one['shape']}".replace("None", "*") for one in inputs)
