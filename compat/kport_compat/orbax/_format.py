"""Read what Keras's ``OrbaxCheckpoint`` callback writes: a whole model, or weights alone.

The values go by the paths of variables (``model.get_state_tree()`` of Keras 3), and so they find
their variables again. The running sums of metrics are left: Keras starts them anew at each epoch.

Memory: the descriptions of arrays; values are read one at a time, see `_arrays`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kport.checkpoint import (
    Asset,
    Checkpoint,
    Holds,
    Kind,
    LazyTensor,
    ModelSpec,
    Naming,
    Note,
    join_name,
    parse_spec,
)
from kport.errors import CorruptFileError, UnreadableError, mapped
from kport_compat._reading import ReadOnly
from kport_compat.orbax._arrays import StoredArray, arrays_of
from kport_compat.orbax._folders import config_of, find_step, tree_of

__all__ = ["ORBAX", "OrbaxFormat"]

_KINDS = {
    "trainable_variables": Kind.PARAMETER,
    "non_trainable_variables": Kind.STATE,
    "optimizer_variables": Kind.OPTIMIZER,
    "metrics_variables": Kind.METRIC,
}
_SEED = "seed_generator_state"  # what `keras.random.SeedGenerator` calls its variable


class OrbaxFormat(ReadOnly):
    """The format object; see `kport.formats.Format`."""

    name = "orbax"
    title = "Orbax checkpoint of Keras"

    def recognises(self, path: Path) -> bool:
        """Say whether it is a step of a checkpoint, or a directory of steps."""
        return find_step(path) is not None

    def read(self, path: Path) -> Checkpoint:
        """Return the Checkpoint of a step, or of the last one of a directory, unread.

        Raises:
            UsageError: TensorStore is not installed.
            UnreadableError: It is damaged, or not Keras's.
            UnsafeFileError: It leads out of itself, or says to be larger than it can be.
        """
        step = find_step(path)
        if step is None:
            raise UnreadableError("has no step of an Orbax checkpoint", path=path)
        with mapped(CorruptFileError, "cannot be read", path=step):
            return _read(step)


ORBAX = OrbaxFormat()


def _read(step: Path) -> Checkpoint:
    tree = tree_of(step / "pytree")
    if tree is None or any(keys[0] not in _KINDS or len(keys) < 2 for keys in tree.keys):
        raise UnreadableError("is an Orbax checkpoint that no callback of Keras wrote")
    config = config_of(step)
    tensors = [_tensor(one) for one in arrays_of(tree)]
    kept = {one.name: one for one in tensors if one.kind is not Kind.METRIC}
    lost = [one.name for one in tensors if one.kind is Kind.METRIC]
    return Checkpoint(
        spec=ModelSpec(config={}) if config is None else parse_spec({}, config),
        tensors=kept,
        naming=Naming.VARIABLES,
        assets={one.name: one for one in _assets(step)},
        provenance={"source": "Orbax checkpoint", "step": step.name},
        notes=tuple(Note("dropped", name, "a running sum of a metric") for name in lost),
        holds=Holds.WEIGHTS if config is None else Holds.MODEL,
    )


def _tensor(array: StoredArray) -> LazyTensor:
    group, *path = array.keys
    kind = Kind.SEED if path[-1] == _SEED else _KINDS[group]
    weight = kind in (Kind.PARAMETER, Kind.STATE)
    return LazyTensor(
        join_name(*(path if weight else array.keys)),
        array.shape,
        array.dtype,
        kind,
        array.source(),
        keras_path="/".join(path),
        window=array.window(),
    )


def _assets(step: Path) -> Iterator[Asset]:
    tree = tree_of(step / "assets")
    for one in arrays_of(tree) if tree is not None else ():
        if one.dtype != "uint8" or len(one.shape) != 1:
            raise CorruptFileError(f"the asset {'/'.join(one.keys)!r} is no array of bytes")
        name, read = "/".join(one.keys), one.source()
        yield Asset(name, one.nbytes, lambda read=read: read().tobytes(), name)  # type: ignore[misc]  # a default binds the loop's value
