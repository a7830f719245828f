"""What a file format is to kport: one object that knows its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from kport.checkpoint import Checkpoint
from kport.formats._group import Group

__all__ = ["Format", "WriteOptions"]


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How to write.

    Arguments:
        shard_size: The most bytes of values in one file of weights.
        split: Attribute paths of models inside the model that get a bundle of their own.
        group: The processes that hold the values between them, where it takes more than one.
    """

    shard_size: int = 5_000_000_000  # the Hugging Face default, decimal
    split: tuple[str, ...] = ()
    group: Group | None = None


@runtime_checkable
class Format(Protocol):
    """An arrow from bytes to a Checkpoint, and back where `writes` is true.

    A format never imports Keras, never decides by the file's suffix what the bytes can tell, and
    reads nothing but what it is asked for. Third parties plug one in by the entry-point group
    ``kport.formats``: the entry's name is the format's, its value such an object.
    A legacy format may have one method more, ``components()``, which registers the layers that old
    ones are translated to; it is called before a model is built of what it read. One whose files
    have checksums may have ``check(path) -> Integrity``, which reads every byte. One that keeps
    parts of a model in files of their own has ``write_part(checkpoint, path, name, options)``. One
    that can read a part without a look at the rest has ``read_part(path, part)``, which gives what
    `kport.checkpoint.around_part` gives of the whole. One
    whose `read` may fail on the definition has ``read_weights(path)``, which gives the values
    alone, and ``survey(path) -> Survey``, for which any file of the format is worth a word. One
    whose models go by several paths has ``main(path)``, which gives the one for all of them.
    """

    @property
    def name(self) -> str:
        """A short stable word: ``bundle``, ``keras``, ``h5``."""
        ...

    @property
    def title(self) -> str:
        """What a person calls it."""
        ...

    @property
    def writes(self) -> bool:
        """Whether `write` works."""
        ...

    def recognises(self, path: Path) -> bool:
        """Say by the bytes whether this reader is the one for the path, without raising.

        The path may be that of no file where several begin with it: a prefix.
        """
        ...

    def read(self, path: Path) -> Checkpoint:
        """Return the Checkpoint, its tensors unread.

        Raises:
            UnreadableError: The bytes are damaged or describe no model.
            UnsafeFileError: They ask for something that is never done.
        """
        ...

    def write(self, checkpoint: Checkpoint, path: Path, options: WriteOptions) -> None:
        """Write the Checkpoint, whole or not at all, replacing what was there of this format.

        Raises:
            SaveError: The target cannot be written; it is as it was before.
        """
        ...
