"""The functions a user calls: save, load, load_weights, convert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

from kport import formats
from kport._backends import choose_backend, installed_backends
from kport._sizes import parse_size
from kport.checkpoint import JSON, Checkpoint, Kind, LoadReport, Naming, ReportLine, Sample
from kport.errors import BackendError, located
from kport.formats import StrPath, WriteOptions

if TYPE_CHECKING:
    import keras

__all__ = [
    "ConvertReport",
    "convert",
    "freeze",
    "load",
    "load_weights",
    "report_of",
    "save",
    "unfreeze",
]


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


def save(
    model: keras.Model,
    path: StrPath,
    *,
    optimizer: bool = True,
    sample: Any = None,
    shard_size: int | str = "5GB",
) -> None:
    """Write a model to a ``.keras`` archive or, for any other name, to a safetensors bundle.

    The model comes back whole on TensorFlow, JAX and PyTorch: weights, state, optimizer, trainable
    flags. What was at the path is replaced in one step once the new model is safely on the disk.

    Arguments:
        model: A built Keras model.
        path: The target; ``model.keras``, or the directory of a bundle.
        optimizer: Whether optimizer, loss and metrics are saved with it.
        sample: Inputs to run through the model; they and its outputs are saved with it, so that
            ``kport verify`` can prove any later load.
        shard_size: The most bytes of values in one file of a bundle: a number or ``"5GB"``.

    Raises:
        UsageError: An argument is wrong.
        SaveError: The model cannot be represented, or the target cannot be written.

    Example:
        >>> kport.save(model, "model.keras")
        >>> kport.save(model, "bundle/", sample=x[:8])
    """
    options = WriteOptions(parse_size(shard_size))
    formats.for_target(path)
    room = _model_room()
    checkpoint = room.capture(model, optimizer=optimizer, sample=sample)
    formats.write(_signed(checkpoint), path, options)


def load(
    path: StrPath,
    *,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,  # noqa: A002  # Keras's own name for it
) -> keras.Model:
    """Return the model at a path, on the backend of this process, with every value in its place.

    Arguments:
        path: A ``.keras`` archive, a safetensors bundle, or any format of an installed plug-in
            (Keras 1/2 H5). The bytes decide, not the suffix.
        custom_objects: Classes and functions by name, beside those decorated with `register`.
        compile: Whether optimizer, loss and metrics are restored.

    Raises:
        UnreadableError: Nothing there, no known format, or damaged.
        UnsafeFileError: The file asks for something that is never done.
        MissingComponentError: Classes the model needs are not registered; all are named.
        MismatchError: Tensors and variables do not agree; all are named.

    Example:
        >>> model = kport.load("old_model.h5")
        >>> print(kport.report_of(model))
        12 matched, 3 translated
    """
    checkpoint = formats.read(path)
    room = _model_room()
    _register_components(path)
    with located(path):
        model: keras.Model = room.build(checkpoint, custom_objects=custom_objects, compile=compile)
    return model


def load_weights(
    model: keras.Model,
    path: StrPath,
    *,
    rename: Mapping[str, str] | None = None,
    strict: bool = True,
) -> LoadReport:
    """Put the weights at a path into a model that exists; optimizer and seeds are left alone.

    Arguments:
        model: A built Keras model.
        path: See `load`.
        rename: Names in the file -> names in the model, with wildcards:
            ``{"old.**": "new.**", "blocks.*.ln": "blocks.*.norm"}``.
        strict: Whether a weight without a partner on the other side is an error. Otherwise it is
            a line of the report: ``supplied`` (only in the model) or ``dropped`` (only in the
            file).

    Raises:
        MismatchError: With every problem; the model is as it was.

    Example:
        >>> kport.load_weights(model, "bundle/", strict=False).dropped
        ('head.bias', 'head.kernel')
    """
    checkpoint = formats.read(path)
    room = _model_room()
    with located(path):
        report: LoadReport = room.load_into(model, checkpoint, rename=rename, strict=strict)
    return report


def report_of(model: keras.Model) -> LoadReport:
    """Return what became of every tensor when kport loaded this model.

    Raises:
        UsageError: kport did not load it.
    """
    report: LoadReport = _model_room().report_of(model)
    return report


def freeze(model: keras.Model, *patterns: str) -> tuple[str, ...]:
    """Freeze the layers that the patterns name, and all their parts; return their paths.

    A frozen layer takes no gradients, and its BatchNormalization runs in inference mode. The state
    is saved and restored with the model. Compile again after it, as Keras asks.

    Arguments:
        model: A model.
        patterns: Paths with wildcards: ``encoder`` or ``encoder/**``, ``blocks/*/norm``; ``**`` is
            the whole model.

    Raises:
        UsageError: A pattern matches no layer; the nearest paths are named.

    Example:
        >>> kport.freeze(model, "encoder/**")
        ('encoder', 'encoder.dense', 'encoder.block')
    """
    paths: tuple[str, ...] = _model_room().freeze(model, *patterns)
    return paths


def unfreeze(model: keras.Model, *patterns: str) -> tuple[str, ...]:
    """Undo `freeze` for the layers that the patterns name, and all their parts.

    What lies beside them inside a frozen part stays frozen.

    Raises:
        UsageError: A pattern matches no layer; the nearest paths are named.
    """
    paths: tuple[str, ...] = _model_room().unfreeze(model, *patterns)
    return paths


def convert(
    src: StrPath,
    dst: StrPath,
    *,
    sample: Sample | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    shard_size: int | str = "5GB",
) -> ConvertReport:
    """Read a model in any format and write it as an archive or a bundle.

    Between formats that name values the way kport does, no backend is needed; a legacy file is
    built as a live model first, which is the proof that it loads.

    Arguments:
        src: See `load`.
        dst: See `save`.
        sample: Inputs and true outputs to keep with it, such as those of the old framework.
        custom_objects: See `load`.
        shard_size: See `save`.

    Raises:
        KportError: See `load` and `save`; nothing is written then.

    Example:
        >>> kport.convert("old_model.h5", "model.keras").report.dropped
        ()
    """
    options = WriteOptions(parse_size(shard_size))
    target = formats.for_target(dst)
    checkpoint = formats.read(src)
    report = LoadReport(tuple(ReportLine("matched", name) for name in checkpoint.tensors))
    if not _is_complete(checkpoint):
        choose_backend()
        room = _model_room()
        _register_components(src)
        with located(src):
            model = room.build(checkpoint, custom_objects=custom_objects)
        report = room.report_of(model)
        built = room.capture(model)
        origin = {f"from {key}": value for key, value in checkpoint.provenance.items()}
        provenance = {**origin, **built.provenance}
        checkpoint = replace(built, provenance=provenance, sample=checkpoint.sample)
    if sample is not None:
        checkpoint = replace(checkpoint, sample=sample)
    formats.write(_signed(checkpoint), dst, options)
    return ConvertReport(str(src), str(dst), target.name, report)


def _is_complete(checkpoint: Checkpoint) -> bool:
    """Whether every format can be written of it as it is, with no live model between."""
    weights = (Kind.PARAMETER, Kind.STATE, Kind.OPTIMIZER)
    return checkpoint.naming is Naming.ATTRIBUTE and all(
        tensor.keras_path for tensor in checkpoint.of_kind(*weights).values()
    )


def _signed(checkpoint: Checkpoint) -> Checkpoint:
    from kport import __version__

    return replace(
        checkpoint, provenance={**checkpoint.provenance, "writer": f"kport {__version__}"}
    )


def _register_components(path: StrPath) -> None:
    """Let a legacy format register the layers it translates old ones to."""
    register = getattr(formats.detect(path), "components", None)
    if register is not None:
        register()


def _model_room() -> ModuleType:
    """Import Keras and its backend, only now that a live model is wanted."""
    try:
        import kport.model
    except ImportError as error:
        raise BackendError(
            f"Keras cannot be imported: {error}",
            remedy=f"Installed backends: {', '.join(installed_backends()) or 'none'}. Set "
            "KERAS_BACKEND to one of them, or install one: pip install 'keras-kport[jax]'.",
        ) from error
    return kport.model
