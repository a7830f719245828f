"""The functions a user calls on a live model: save, load, load_weights, freeze."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any

from kport import formats
from kport._arguments import expect_mapping, expect_name
from kport._integrity import Check, read_checked
from kport._room import model_room, register_components, signed, with_lambdas
from kport._sizes import parse_size
from kport.checkpoint import Checkpoint, LoadReport, Naming, with_part
from kport.errors import UsageError, located
from kport.formats import StrPath, WriteOptions

if TYPE_CHECKING:
    import keras

__all__ = [
    "freeze",
    "load",
    "load_weights",
    "report_of",
    "save",
    "unfreeze",
]


def save(
    model: keras.Model,
    path: StrPath,
    *,
    optimizer: bool = True,
    sample: Any = None,
    split: Iterable[str] = (),
    part: str | None = None,
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
        split: Attribute paths of models inside the model. Each becomes a complete bundle of its
            own below ``parts/``, and the whole knows it by its content hash.
        part: The attribute path of one such part of the bundle at `path`: the model takes its
            place there, and the files of the rest are left as they are.
        shard_size: The most bytes of values in one file of a bundle: a number or ``"5GB"``.

    Raises:
        UsageError: An argument is wrong, or the bundle has no such part.
        SaveError: The model cannot be represented, or the target cannot be written.

    Example:
        >>> kport.save(model, "model.keras")
        >>> kport.save(model, "bundle/", sample=x[:8])
        >>> kport.save(model, "towers/", split=["text", "image"])
        >>> kport.save(better_text_model, "towers/", part="text")
    """
    options = WriteOptions(parse_size(shard_size), _names("split", split))
    expect_name("part", part)
    if part is not None:
        _save_part(model, path, part, options)
        return
    formats.for_target(path)
    room = model_room()
    checkpoint = room.capture(model, optimizer=optimizer, sample=sample)
    if any(one.pieces for one in checkpoint.tensors.values()):
        options = replace(options, group=room.processes())
    formats.write(signed(checkpoint), path, options)


def _save_part(model: keras.Model, path: StrPath, part: str, options: WriteOptions) -> None:
    if options.split:
        raise UsageError("part and split exclude each other: a part is put into a split bundle")
    checkpoint = model_room().capture(model, optimizer=False)
    formats.write_part(signed(checkpoint), path, part, options)


def _names(argument: str, given: Iterable[str]) -> tuple[str, ...]:
    if not isinstance(given, Iterable):
        raise UsageError(f"{argument}: expected attribute paths, got {given!r}")
    names = [given] if isinstance(given, str) else list(given)
    wrong = [name for name in names if not isinstance(name, str)]
    if wrong:
        raise UsageError(f"{argument}: expected attribute paths, got {wrong[0]!r}")
    return tuple(names)


def load(
    path: StrPath,
    *,
    part: str | None = None,
    parts: Mapping[str, StrPath | keras.Model] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    lambdas: Mapping[str, Callable[..., Any]] | None = None,
    compile: bool = True,  # noqa: A002  # Keras's own name for it
    check: Check = "fast",
) -> keras.Model:
    """Return the model at a path, on the backend of this process, with every value in its place.

    Arguments:
        path: A ``.keras`` archive, a safetensors bundle, or any format of an installed plug-in
            (Keras 1/2 H5). The bytes decide, not the suffix.
        part: The attribute path of a model or layer inside the model, to load that one alone;
            only its values are read.
        parts: Attribute path of a model inside the model -> the path of a saved model, or a live
            one, to take its place; its values are copied.
        custom_objects: Classes and functions by name, beside those decorated with `register`.
        lambdas: Name of a Lambda layer -> its function; code out of a file is shown, never run.
        compile: Whether optimizer, loss and metrics are restored.
        check: ``fast`` holds each tensor against its checksum as it is put in place (some 3 GB/s);
            ``full`` reads every byte of every file before that, see `check`; False trusts the
            values.

    Raises:
        UnreadableError: Nothing there, no known format, or damaged.
        UnsafeFileError: The file asks for something that is never done.
        MissingComponentError: Classes the model needs are not registered; all are named.
        MismatchError: Tensors and variables do not agree; all are named.
        UsageError: The file has no such part, or another model cannot stand there.

    Example:
        >>> model = kport.load("old_model.h5")
        >>> print(kport.report_of(model))
        12 matched, 3 translated
    """
    expect_name("part", part)
    expect_mapping("custom_objects", custom_objects, "name -> class or function")
    expect_mapping("lambdas", lambdas, "name of a Lambda layer -> function")
    checkpoint = _with_parts(read_checked(path, check), path, parts, custom_objects)
    room = model_room()
    register_components(checkpoint)
    with located(path):
        checkpoint, custom = with_lambdas(checkpoint, lambdas, custom_objects)
        if part is not None:
            return room.build_part(checkpoint, part, custom_objects=custom)
        return room.build(checkpoint, custom_objects=custom, compile=compile)


def _with_parts(
    checkpoint: Checkpoint,
    path: StrPath,
    parts: Mapping[str, StrPath | keras.Model] | None,
    custom: Mapping[str, Any] | None,
) -> Checkpoint:
    expect_mapping("parts", parts, "attribute path -> a path or a model")
    for name, source in (parts or {}).items():
        other = _as_part(source, custom)
        with located(path):
            checkpoint = with_part(checkpoint, name, other)
    return checkpoint


def _as_part(source: StrPath | keras.Model, custom: Mapping[str, Any] | None) -> Checkpoint:
    """Return a Checkpoint whose tensors go by attribute path, as those of the whole do."""
    room = model_room()
    if isinstance(source, (str, PathLike)):
        checkpoint = formats.read(source)
        if checkpoint.naming is Naming.ATTRIBUTE:
            return checkpoint
        register_components(checkpoint)
        with located(source):
            source = room.build(checkpoint, custom_objects=custom, compile=False)
    captured: Checkpoint = room.capture(source, optimizer=False)
    return captured


def load_weights(
    model: keras.Model,
    path: StrPath,
    *,
    rename: Mapping[str, str] | None = None,
    strict: bool = True,
    dtype: str | None = None,
    optimizer: bool = True,
) -> LoadReport:
    """Put the weights at a path into a model that exists; seeds and metrics are left alone.

    Arguments:
        model: A built Keras model.
        path: See `load`; also a TensorFlow checkpoint, by its prefix, one of its files or the
            directory of the latest one, and any SavedModel.
        rename: Names in the file -> names in the model, with wildcards:
            ``{"old.**": "new.**", "blocks.*.ln": "blocks.*.norm"}``.
        strict: Whether a weight without a partner on the other side is an error. Otherwise it is
            a line of the report: ``supplied`` (only in the model) or ``dropped`` (only in the
            file).
        dtype: The floating-point dtype that the file's values are converted to on the way, such as
            ``"bfloat16"``; None takes values that the model's variables hold exactly.
        optimizer: Whether the state of a compiled model's optimizer is restored too, as Keras does,
            where the file is a bundle, an archive or a TensorFlow checkpoint that holds it. It is
            restored whole or, where it does not fit, not at all; the report says which.

    Raises:
        UsageError: A pattern matches nothing, or `dtype` is no floating-point dtype.
        MismatchError: With every problem; the model is as it was.

    Example:
        >>> kport.load_weights(model, "bundle/", strict=False).dropped
        ('head.bias', 'head.kernel')
    """
    expect_mapping("rename", rename, "name in the file -> name in the model")
    checkpoint = formats.read_weights(path)
    room = model_room()
    with located(path):
        report: LoadReport = room.load_into(
            model, checkpoint, rename=rename, strict=strict, dtype=dtype, optimizer=optimizer
        )
    return report


def report_of(model: keras.Model) -> LoadReport:
    """Return what became of every tensor when kport loaded this model.

    Raises:
        UsageError: kport did not load it.
    """
    report: LoadReport = model_room().report_of(model)
    return report


def freeze(model: keras.Model, *patterns: str) -> tuple[str, ...]:
    """Freeze the layers that the patterns name, and all their parts; return their paths.

    A frozen layer takes no gradients and runs in inference mode, its Dropout too. The state is
    saved and restored with the model. Compile again after it, as Keras asks.

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
    paths: tuple[str, ...] = model_room().freeze(model, *patterns)
    return paths


def unfreeze(model: keras.Model, *patterns: str) -> tuple[str, ...]:
    """Undo `freeze` for the layers that the patterns name, and all their parts.

    What lies beside them inside a frozen part stays frozen.

    Raises:
        UsageError: A pattern matches no layer; the nearest paths are named.
    """
    paths: tuple[str, ...] = model_room().unfreeze(model, *patterns)
    return paths
