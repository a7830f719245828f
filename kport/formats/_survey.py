"""What a format can say of a file beyond its Checkpoint, also of one that does not load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kport.checkpoint import Checkpoint

__all__ = ["Signature", "Survey"]


@dataclass(frozen=True, slots=True)
class Signature:
    """A function that the file offers to call.

    Arguments:
        name: Its name.
        inputs: Name -> dtype and shape, such as ``float32[?, 3]``.
        outputs: The same.
    """

    name: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Survey:
    """What is in a file.

    Arguments:
        checkpoint: What `Format.read` gives or, where that fails, what can be told without it.
        signatures: The functions it offers.
        operations: Operation of its graphs -> how often it stands in them.
        layers: Path and class of every layer, where the config does not tell them.
        obstacles: Why it, or a part of it, does not load; empty where nothing speaks against it.
    """

    checkpoint: Checkpoint
    signatures: tuple[Signature, ...] = ()
    operations: Mapping[str, int] = field(default_factory=dict)
    layers: tuple[tuple[str, str], ...] = ()
    obstacles: tuple[str, ...] = ()
