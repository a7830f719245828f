"""Say what a file holds, from its config and headers; no value is read, no Keras imported."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from os import fspath
from typing import Any

from kport import formats
from kport._inputs import signature_of
from kport._layers import LayerLine, custom_names, label, layer_lines
from kport.bytecode import lambdas_in, shown
from kport.checkpoint import JSON, Checkpoint, Holds, Kind, Note

__all__ = ["AssetLine", "LayerLine", "Summary", "TensorLine", "Total", "inspect"]


@dataclass(frozen=True, slots=True)
class TensorLine:
    """One tensor: its name, shape, dtype, kind and size."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    kind: Kind
    nbytes: int


@dataclass(frozen=True, slots=True)
class Total:
    """All tensors of one kind together."""

    kind: Kind
    count: int
    elements: int
    nbytes: int


@dataclass(frozen=True, slots=True)
class AssetLine:
    """A file that belongs to a layer."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What a file holds.

    Arguments:
        path: The path as it was given.
        format: The short name of the format: ``bundle``, ``keras``, ``h5``.
        title: What a person calls the format.
        provenance: Who wrote it, and with what.
        model: The class of the model.
        name: The model's own name; empty where the file gives none.
        optimizer: The class of the optimizer; empty for a model that is not compiled.
        loss: The losses, as the user named them.
        signature: The inputs, see `ModelSpec.signature`.
        layers: The layer tree, in the order of the config.
        components: Registered name -> version it was written with.
        custom: What the caller must register before loading: names that are not Keras's own.
        tensors: Every tensor.
        totals: Sums by kind.
        assets: Every asset.
        sample: Whether the file carries inputs with their true outputs.
        notes: What the reader translated or left out.
        signatures: The functions that the file offers to call.
        operations: Operation of its graphs -> how often it stands in them.
        obstacles: Why the file, or a part of it, does not load.
        holds: ``model``, or ``definition`` or ``weights`` where it is one of them alone.
    """

    path: str
    format: str
    title: str
    provenance: JSON
    model: str
    name: str
    optimizer: str
    loss: str
    signature: Any
    layers: tuple[LayerLine, ...]
    components: Mapping[str, int]
    custom: tuple[str, ...]
    tensors: tuple[TensorLine, ...]
    totals: tuple[Total, ...]
    assets: tuple[AssetLine, ...] = ()
    sample: bool = False
    notes: tuple[Note, ...] = field(default=())
    holds: Holds = Holds.MODEL
    signatures: tuple[formats.Signature, ...] = ()
    operations: Mapping[str, int] = field(default_factory=dict)
    obstacles: tuple[str, ...] = ()

    def to_json(self) -> JSON:
        """Return the summary as plain JSON values."""
        # There and back, so that tuples are lists and kinds are strings here as in a file.
        plain: JSON = json.loads(json.dumps(asdict(self)))
        return plain


def inspect(path: formats.StrPath) -> Summary:
    """Return what the file or directory holds, without reading a value.

    Arguments:
        path: A path that an installed format knows.

    Raises:
        UnreadableError: Nothing is there, no format knows it, or it is damaged.
        UnsafeFileError: The file asks for something that kport never does.

    Example:
        >>> inspect("examples/legacy/digits.h5").model
        'Functional'
    """
    found = formats.detect(path)
    survey = formats.survey(path)
    checkpoint = survey.checkpoint
    config = checkpoint.spec.config
    compiled = config.get("compile_config")
    training = compiled if isinstance(compiled, dict) else {}
    inner = config.get("config")
    return Summary(
        path=fspath(path),
        format=found.name,
        title=found.title,
        provenance=dict(checkpoint.provenance),
        model=label(config),
        name=str(inner.get("name") or "") if isinstance(inner, dict) else "",
        optimizer=label(training.get("optimizer")),
        loss=label(training.get("loss")),
        signature=checkpoint.spec.signature or signature_of(config),
        layers=tuple(layer_lines(config)) or _layers(survey),
        components=dict(checkpoint.spec.components),
        custom=() if checkpoint.holds is Holds.WEIGHTS else custom_names(config),
        tensors=tuple(
            TensorLine(one.name, one.shape, one.dtype, one.kind, one.nbytes)
            for one in checkpoint.tensors.values()
        ),
        totals=tuple(_totals(checkpoint)),
        assets=tuple(AssetLine(one.name, one.size) for one in checkpoint.assets.values()),
        sample=checkpoint.sample is not None,
        notes=checkpoint.notes,
        holds=checkpoint.holds,
        signatures=survey.signatures,
        operations=dict(survey.operations),
        obstacles=(*survey.obstacles, *_lambdas(config)),
    )


def _lambdas(config: JSON) -> Iterator[str]:
    for node in lambdas_in(config):
        yield f"a Lambda layer carries Python code, which is never run: {shown(node)}"


def _layers(survey: formats.Survey) -> tuple[LayerLine, ...]:
    return tuple(LayerLine(path.count("."), path, cls, "") for path, cls in survey.layers)


def _totals(checkpoint: Checkpoint) -> Iterator[Total]:
    for kind in Kind:
        tensors = checkpoint.of_kind(kind).values()
        if tensors:
            elements, nbytes = sum(one.size for one in tensors), sum(one.nbytes for one in tensors)
            yield Total(kind, len(tensors), elements, nbytes)
