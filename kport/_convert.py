"""Read a model in any format and write it in another.

Memory: a few values. Where a live model is built, its large values lie in a file beside the target
until that is written.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kport import formats
from kport._arguments import expect_mapping, expect_sample
from kport._backends import choose_backend
from kport._collections import quick_collections
from kport._room import model_room, register_components, signed, with_lambdas
from kport._sizes import parse_size
from kport.checkpoint import (
    JSON,
    Array,
    Checkpoint,
    Kind,
    LazyTensor,
    LoadReport,
    Naming,
    ReportLine,
    Sample,
    weights_of,
)
from kport.errors import UsageError, located
from kport.formats import StrPath, WriteOptions

__all__ = ["ConvertReport", "convert"]

_LARGE = 1 << 20  # bytes below which it costs more to look for memory than it gives


@dataclass(frozen=True, slots=True)
class ConvertReport:
    """What a conversion read, wrote and met on the way.

    Arguments:
        source: The path that was read.
        target: The path that was written.
        format: The name of the format written.
        report: What became of every tensor.
    """

    source: str
    target: str
    format: str
    report: LoadReport

    def to_json(self) -> JSON:
        """Return the report as plain JSON values."""
        return {
            "source": self.source,
            "target": self.target,
            "format": self.format,
            "report": self.report.to_json(),
        }


@quick_collections()
def convert(
    src: StrPath,
    dst: StrPath,
    *,
    sample: Sample | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    lambdas: Mapping[str, Callable[..., Any]] | None = None,
    shard_size: int | str = "5GB",
    weights_only: bool = False,
) -> ConvertReport:
    """Read a model in any format and write it as an archive or a bundle.

    Between formats that name values the way kport does, no backend is needed; a legacy file is
    built as a live model first, which is the proof that it loads.

    Arguments:
        src: See `load`.
        dst: See `save`.
        sample: Inputs and true outputs to keep with it, such as those of the old framework.
        custom_objects: See `load`.
        lambdas: See `load`; the functions must be registered, as the result names them.
        shard_size: See `save`.
        weights_only: Write every value by its name and no definition, as a bundle for
            `load_weights`; nothing is built, so this works for models that cannot be.

    Raises:
        KportError: See `load` and `save`; nothing is written then.

    Example:
        >>> kport.convert("old_model.h5", "model.keras").report.dropped
        ()
    """
    expect_sample(sample)
    expect_mapping("custom_objects", custom_objects, "name -> class or function")
    expect_mapping("lambdas", lambdas, "name of a Lambda layer -> function")
    options = WriteOptions(parse_size(shard_size))
    target = formats.for_target(dst)
    if weights_only:
        return _convert_weights(src, dst, options)
    _require_registered(lambdas or {})
    checkpoint = formats.read(src)
    report = LoadReport(tuple(ReportLine("matched", name) for name in checkpoint.tensors))
    if not _is_complete(checkpoint):
        with located(src):
            checkpoint, custom = with_lambdas(checkpoint, lambdas, custom_objects)
        checkpoint, report = _rebuilt(checkpoint, src, dst, custom)
    if sample is not None:
        checkpoint = replace(checkpoint, sample=sample)
    formats.write(signed(checkpoint), dst, options)
    return ConvertReport(str(src), str(dst), target.name, report)


def _require_registered(lambdas: Mapping[str, Callable[..., Any]]) -> None:
    if not lambdas:
        return
    choose_backend()
    import keras

    for layer, function in lambdas.items():
        named = (
            getattr(function, "__name__", "<lambda>") != "<lambda>"
        )  # Keras writes those as code
        name = keras.saving.get_registered_name(function) if named else None
        if not named or keras.saving.get_registered_object(name) is not function:
            raise UsageError(
                f"lambdas[{layer!r}]: no file can hold a function that has no name or is not "
                "registered",
                remedy="Define it with def and decorate it with @kport.register('your_package').",
            )


def _rebuilt(
    checkpoint: Checkpoint,
    src: StrPath,
    dst: StrPath,
    custom_objects: Mapping[str, Any] | None,
) -> tuple[Checkpoint, LoadReport]:
    """Return what a live model of the Checkpoint is captured as, and how it was loaded."""
    choose_backend()
    room = model_room()
    register_components(checkpoint)
    beside = next(one for one in Path(dst).absolute().parents if one.is_dir())
    with room.values_in_files(beside) as file, located(src), _same_seeds():
        model = room.build(checkpoint, custom_objects=custom_objects)
    built = room.capture(model)
    tensors = {name: _released_before(one, file.release) for name, one in built.tensors.items()}
    origin = {f"from {key}": value for key, value in checkpoint.provenance.items()}
    provenance = {**origin, **built.provenance}
    built = replace(built, tensors=tensors, provenance=provenance, sample=checkpoint.sample)
    return built, room.report_of(model)


@contextmanager
def _same_seeds() -> Iterator[None]:
    """Let layers whose seed the file does not tell have the same one whenever it is converted.

    Keras draws it from Python's own generator (``keras/src/random/seed_generator.py``).
    """
    before = random.getstate()
    random.seed(0)
    try:
        yield
    finally:
        random.setstate(before)


def _released_before(tensor: LazyTensor, release: Callable[[], None]) -> LazyTensor:
    """Return the same tensor that lets go of the memory of others when it is read."""

    def read() -> Array:
        release()
        return tensor.source()

    return replace(tensor, source=read) if tensor.nbytes >= _LARGE else tensor


def _convert_weights(src: StrPath, dst: StrPath, options: WriteOptions) -> ConvertReport:
    target = formats.for_target(dst)
    if target.name != "bundle":
        raise UsageError(
            f"a {target.title} holds a model, not weights alone",
            path=dst,
            remedy="Give the name of a directory for a bundle.",
        )
    read = formats.read_weights(src)
    checkpoint = weights_of(read)
    lines = [ReportLine("matched", name) for name in checkpoint.tensors]
    formats.write(signed(checkpoint), dst, options)
    report = LoadReport((*lines, *read.notes))
    return ConvertReport(str(src), str(dst), target.name, report)


def _is_complete(checkpoint: Checkpoint) -> bool:
    """Whether every format can be written of it as it is, with no live model between."""
    weights = (Kind.PARAMETER, Kind.STATE, Kind.OPTIMIZER)
    return checkpoint.naming is Naming.ATTRIBUTE and all(
        tensor.keras_path for tensor in checkpoint.of_kind(*weights).values()
    )
