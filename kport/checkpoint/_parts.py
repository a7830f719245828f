"""One model out of a model of several, as a Checkpoint of its own."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from kport.checkpoint._checkpoint import Checkpoint
from kport.checkpoint._spec import ModelSpec
from kport.errors import UsageError

__all__ = ["part_of"]

T = TypeVar("T")


def part_of(checkpoint: Checkpoint, path: str) -> Checkpoint:
    """Return the part of a Checkpoint that belongs to one model inside it.

    No value is read; the tensors left out stay unread.

    Arguments:
        checkpoint: A Checkpoint with attribute paths.
        path: The attribute path of the inner model; slashes count as dots.

    Raises:
        UsageError: There is no such model inside; those there are are named.
    """
    path = path.replace("/", ".")
    spec = checkpoint.spec
    if path not in spec.parts:
        near = difflib.get_close_matches(path, spec.parts, 5, 0.4) or sorted(spec.parts)[:5]
        raise UsageError(
            f"has no part {path!r} that can be loaded alone",
            remedy=f"Parts: {', '.join(near)}." if near else "No model inside it is known.",
        )
    tensors = {
        name: replace(tensor.renamed(name), keras_path=None)
        for name, tensor in _below(path, checkpoint.tensors).items()
    }
    # A tensor that the part shares with what lies outside of it is kept under the outer name.
    for second, first in _below(path, spec.ties).items():
        if not first.startswith(f"{path}.") and first in checkpoint.tensors:
            tensor = checkpoint.tensors[first].renamed(second)
            tensors[second] = replace(tensor, keras_path=None)
    return replace(
        checkpoint,
        spec=_inner_spec(spec, path),
        tensors=dict(sorted(tensors.items())),
        assets={
            name: replace(asset, name=name)
            for name, asset in _below(path, checkpoint.assets).items()
        },
        sample=None,
        notes=(),
    )


def _inner_spec(spec: ModelSpec, path: str) -> ModelSpec:
    start = f"{path}."
    inner_ties = {
        second: first.removeprefix(start)
        for second, first in _below(path, spec.ties).items()
        if first.startswith(start)
    }
    frozen = [name.removeprefix(start) for name in spec.frozen if name.startswith(start)]
    return ModelSpec(
        config=spec.parts[path]["config"],
        signature=spec.parts[path].get("signature"),
        components=spec.components,
        builds=_below(path, spec.builds),
        frozen=(*(["."] if path in spec.frozen else []), *frozen),
        parts=_below(path, spec.parts),
        ties=inner_ties,
    )


def _below(path: str, values: Mapping[str, T]) -> dict[str, T]:
    start = f"{path}."
    return {
        name.removeprefix(start): value for name, value in values.items() if name.startswith(start)
    }
