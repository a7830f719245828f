"""Read safetensors files of other tools as weights by name: Hugging Face folders, PyTorch's shards.

They say nothing of a model, so their values go into one that exists, by `kport.load_weights` with
``rename=``, or into a bundle of weights. Values are taken as they are: what `torch.nn.Linear` calls
``weight`` is the transpose of a Dense layer's kernel.

Memory: headers; values are mapped, see `_parts` for those that are put together.
"""

from __future__ import annotations

from pathlib import Path

from kport.checkpoint import Checkpoint, Holds, ModelSpec, Naming
from kport.errors import CorruptFileError, KportError, UnreadableError, mapped
from kport_compat._reading import ReadOnly
from kport_compat.tensor_files._folders import files_of
from kport_compat.tensor_files._parts import tensors_of

__all__ = ["TENSOR_FILES", "TensorFiles"]


class TensorFiles(ReadOnly):
    """The format object; see `kport.formats.Format`."""

    name = "safetensors"
    title = "safetensors files"

    def recognises(self, path: Path) -> bool:
        """Say whether it is a safetensors file, or a directory of some that is no bundle."""
        try:
            return files_of(path) is not None
        except KportError:
            return True  # there are some, and reading says what is wrong with them
        except (OSError, ValueError):
            return False

    def read(self, path: Path) -> Checkpoint:
        """Return the tensors by their names, unread.

        Raises:
            UnreadableError: A file is missing or damaged, or parts do not make up a whole.
            UnsafeFileError: A link leads elsewhere.
        """
        with mapped(CorruptFileError, "cannot be read", path=path):
            files = files_of(path)
            if files is None:
                raise UnreadableError("has no safetensors files")
            return Checkpoint(
                spec=ModelSpec(config={}),
                tensors=tensors_of(files),
                naming=Naming.WEIGHTS,
                provenance={"source": "safetensors files"},
                holds=Holds.WEIGHTS,
            )


TENSOR_FILES = TensorFiles()
