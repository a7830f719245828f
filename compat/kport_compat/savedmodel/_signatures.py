"""The functions that a SavedModel offers to call (``signature_def`` of its meta graph)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kport.formats import Signature
from kport_compat.tensorbundle import Message, described

__all__ = ["signatures_of"]


def signatures_of(meta: Message) -> Iterator[Signature]:
    """Yield the signatures of a meta graph, sorted by name; those of its own books left out."""
    for name, one in sorted(meta.get("signatures", {}).items()):
        if not name.startswith("__"):
            yield Signature(name, _tensors(one.get("inputs", {})), _tensors(one.get("outputs", {})))


def _tensors(tensors: Mapping[str, Message]) -> dict[str, str]:
    return {
        name: described(one.get("dtype", 0), one.get("shape", {}))
        for name, one in sorted(tensors.items())
    }
