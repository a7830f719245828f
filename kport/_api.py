"""The functions a user calls for a live model: load, load_weights, freeze."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from kport import formats
from kport._arguments import expect_mapping, expect_policy
from kport._collections import quick_collections
from kport._integrity import Check, read_checked
from kport._room import model_room, register_components, with_lambdas
from kport.checkpoint import Checkpoint, LoadReport, Naming, with_part
from kport.errors import located
from kport.formats import StrPath

if TYPE_CHECKING:
    import keras

__all__ = [
    "freeze",
    "load",
    "load_weights",
    "report_of",
    "unfreeze",
]


@quick_collections()
def load(
    path: StrPath,
    *,
    part: str | None = None,
    parts: Mapping[str, StrPath | keras.Model] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    lambdas: Mapping[str, Callable[..., Any]] | None = None,
    compile: bool = True,  # noqa: A002  # Keras's own name for it
    dtype: str | None = None,
    check: Check = "fast",
) -> keras.Model:
    """Return the model at a path, on the backend of this process, with every value in its place.

    Arguments:
        path: A ``.keras`` archive, a bundle, or any format of a plug-in (H5 of Keras 2).
        part: The attribute path of a model or layer in it, to read that one alone.
        parts: Attribute path of a model in it -> the path of another, or a live one, for its place.
        custom_objects: Classes and functions by name, beside `register` and Keras's scopes of them.
        lambdas: Name of a Lambda layer -> its function; code out of a file is shown, never run.
        compile: Whether optimizer, loss and metrics are restored.
        dtype: ``bfloat16``, ``float16``, ``float32`` or ``float64``: the model as if made under
            ``keras.config.set_dtype_policy(dtype)``, values rounded, never to infinity. A layer of
            a floating-point policy takes it; integers, quantized layers and metrics stay.
        check: ``fast`` holds each tensor against its checksum as it is put in place, ``full``
            reads every byte of every file before that, False trusts the values.

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
    expect_policy(dtype)
    expect_mapping("custom_objects", custom_objects, "name -> class or function")
    expect_mapping("lambdas", lambdas, "name of a Lambda layer -> function")
    checkpoint, part = read_checked(path, check, part, whole=bool(parts or lambdas))
    checkpoint = _with_parts(checkpoint, path, parts, custom_objects)
    room = model_room()
    register_components(checkpoint)
    with located(path):
        checkpoint, custom = with_lambdas(checkpoint, lambdas, custom_objects)
        if part is not None:
            return room.build_part(checkpoint, part, custom_objects=custom, dtype=dtype)
        return room.build(checkpoint, custom_objects=custom, compile=compile, dtype=dtype)


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


@quick_collections()
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
