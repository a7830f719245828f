"""Save a live model, at once or in the background."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from kport import formats
from kport._arguments import expect_name
from kport._background import PendingSave, settle, start
from kport._collections import quick_collections
from kport._room import model_room, signed
from kport._sizes import parse_size
from kport.checkpoint import Checkpoint, snapshot
from kport.errors import UsageError
from kport.formats import Group, StrPath, WriteOptions

if TYPE_CHECKING:
    import keras

__all__ = ["save"]


@quick_collections()
def save(
    model: keras.Model,
    path: StrPath,
    *,
    optimizer: bool = True,
    sample: Any = None,
    split: Iterable[str] = (),
    part: str | None = None,
    shard_size: int | str = "5GB",
    block: bool = True,
) -> PendingSave | None:
    """Write a model to a ``.keras`` archive or, for any other name, to a safetensors bundle.

    What was there is replaced in one step once the new model is safely on the disk.

    Arguments:
        model: A built Keras model.
        path: ``model.keras``, or the directory of a bundle; one for all processes of a mesh.
        optimizer: Whether optimizer, loss and metrics are saved with it.
        sample: Inputs, or a dict of arguments by name, saved with outputs for ``kport verify``.
        split: Attribute paths of models inside the model. Each becomes a complete bundle of its
            own below ``parts/``, and the whole knows it by its content hash.
        part: The attribute path of one such part at `path`, whose place the model takes.
        shard_size: The most bytes of values in one file of a bundle: a number or ``"5GB"``.
        block: Whether to return only once all is done. With False a copy of all values is taken
            at once and written while training goes on; what is returned can be waited for.

    Raises:
        UsageError: An argument is wrong, or the bundle has no such part.
        SaveError: The model cannot be represented, the target cannot be written, or an earlier
            save in the background failed unseen.

    Example:
        >>> kport.save(model, "model.keras")
        >>> kport.save(model, "bundle/", sample=x[:8])
        >>> kport.save(model, "towers/", split=["text", "image"])
        >>> kport.save(better_text_model, "towers/", part="text")
        >>> kport.save(model, "bundle/", block=False).wait()
    """
    options = _options(path, split, part, shard_size)
    checkpoint, group = _captured(model, part is None, optimizer, sample)
    write = partial(_write, path=path, part=part, options=replace(options, group=group))
    if block:
        settle()
        write(checkpoint)
        return None
    pending = start(path, partial(write, snapshot(checkpoint)))
    if group is not None:
        pending.wait()  # processes that wait for each other cannot train meanwhile
    return pending


def _captured(
    model: keras.Model, whole: bool, optimizer: bool, sample: Any
) -> tuple[Checkpoint, Group | None]:
    """Return the model as plain data, and the processes where several hold its values."""
    room = model_room()
    checkpoint = signed(
        room.capture(model, optimizer=optimizer and whole, sample=sample if whole else None)
    )
    together = any(one.pieces for one in checkpoint.tensors.values())
    return checkpoint, room.processes() if together else None


def _options(
    path: StrPath, split: Iterable[str], part: str | None, shard_size: int | str
) -> WriteOptions:
    options = WriteOptions(parse_size(shard_size), _names("split", split))
    expect_name("part", part)
    if part is None:
        formats.for_target(path)
    elif options.split:
        raise UsageError("part and split exclude each other: a part is put into a split bundle")
    return options


def _write(checkpoint: Checkpoint, path: StrPath, part: str | None, options: WriteOptions) -> None:
    if part is not None:
        formats.write_part(checkpoint, path, part, options)
    else:
        formats.write(checkpoint, path, options)


def _names(argument: str, given: Iterable[str]) -> tuple[str, ...]:
    if not isinstance(given, Iterable):
        raise UsageError(f"{argument}: expected attribute paths, got {given!r}")
    names = [given] if isinstance(given, str) else list(given)
    wrong = [name for name in names if not isinstance(name, str)]
    if wrong:
        raise UsageError(f"{argument}: expected attribute paths, got {wrong[0]!r}")
    return tuple(names)
