"""The tensors of ``model_weights``: layers by name, weights of a layer by order.

Layout (``tensorflow/python/keras/saving/hdf5_format.py`` of TensorFlow 2.3,
``save_weights_to_hdf5_group``): the group's attribute ``layer_names`` lists the layers; each layer
is a group whose attribute ``weight_names`` lists its datasets in the order of
``trainable_weights + non_trainable_weights``. A nested model is one layer, flattened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from kport.checkpoint import Kind, LazyTensor, Note, Position, join_name
from kport.errors import (
    CorruptFileError,
    KportError,
    Problem,
    UnreadableError,
    UnsafeFileError,
    mapped,
)
from kport.formats._mapped import MappedFile
from kport.formats.hdf5 import Group
from kport_compat.h5._container import array, attribute_names, below, child

__all__ = [
    "Order",
    "Tensors",
    "checked_total",
    "collect",
    "layer_tensors",
    "readable",
    "unique",
    "weight_names",
    "weight_shapes",
]

_MAX_EXPANSION = 64
"""The values of a file take at most this many times its own bytes. Random weights compress by less
than two and rows of zeros by a thousand, so a real file of weights stays below; a file that claims
more is a decompression bomb."""

_STATE = frozenset({"moving_mean", "moving_variance", "mean", "variance"})
_TOP_LEVEL = "top_level_model_weights"  # weights of the model itself, since TensorFlow 2.9

Tensors = list[LazyTensor]
Order = Callable[[Sequence[LazyTensor], Sequence[str]], tuple[Tensors, list[Problem]]]


def layer_tensors(
    group: Group,
    backing: MappedFile,
    names: Mapping[str, str],
    gone: Collection[str] = (),
    order: Order | None = None,
) -> tuple[Tensors, list[Note], list[Problem]]:
    """Return the tensors of every layer, what was left out, and everything that is wrong.

    Arguments:
        group: ``model_weights``.
        backing: The file.
        names: Layer name of the file -> layer name of the translated config, where they differ.
        gone: Last parts of the names of weights that Keras 3's layers do not have.
        order: Puts the weights of one layer into another order and form.
    """
    tensors: Tensors = []
    notes: list[Note] = []
    problems: list[Problem] = []
    taken: dict[str, int] = {}
    for layer in _layers(group):
        node = below(group, layer)
        first = len(tensors)
        owner = "" if layer == _TOP_LEVEL else names.get(layer, layer)
        weights = _weights(node, layer)
        left = [one for one in weights if _last(one) in gone]
        notes += [Note("dropped", join_name(layer, _last(one)), _WHY_GONE) for one in left]
        for index, weight in enumerate(one for one in weights if one not in left):
            position = Position(owner, index)
            name = readable(owner or layer, layer, weight, taken)
            kind = Kind.STATE if _last(weight) in _STATE else Kind.PARAMETER
            collect(node, weight, backing, (name, kind, position), tensors, problems)
        if order is not None and len(tensors) - first == len(weights):
            tensors[first:], wrong = order(tensors[first:], weights)
            problems += wrong
    return tensors, notes, problems


def weight_names(group: Group) -> list[str]:
    """Return the name of every weight in ``model_weights``."""
    return [one for layer in _layers(group) for one in _weights(below(group, layer), layer)]


def weight_shapes(group: Group) -> dict[str, tuple[int, ...]]:
    """Return name -> shape for every weight in ``model_weights``."""
    found: dict[str, tuple[int, ...]] = {}
    for layer in _layers(group):
        node = below(group, layer)
        with mapped(CorruptFileError, f"{layer}: a weight cannot be read"):
            for name in _weights(node, layer):
                found[name] = tuple(getattr(child(node, name), "shape", None) or ())
    return found


def _layers(group: Group) -> list[str]:
    layers = attribute_names(group, "layer_names")
    if _TOP_LEVEL in group and _TOP_LEVEL not in layers:
        layers = [*layers, _TOP_LEVEL]
    return unique(layers, "layer_names")


def _weights(node: Group, layer: str) -> list[str]:
    return unique(attribute_names(node, "weight_names"), layer)


_WHY_GONE = "Keras 3's layer has no such weight and computes without it"


def collect(
    group: Group,
    dataset: str,
    backing: MappedFile,
    what: tuple[str, Kind, Position],
    tensors: Tensors,
    problems: list[Problem],
) -> None:
    """Add the tensor of a dataset, or the problem with it."""
    name, kind, position = what
    try:
        with mapped(CorruptFileError, "cannot be read"):
            held = array(group, dataset, backing)
    except KportError as error:
        sort = "unsafe" if isinstance(error, UnsafeFileError) else "value"
        problems.append(Problem(f"{group.path}/{dataset}", error.message, sort))
        return
    tensors.append(LazyTensor(name, held.shape, held.dtype, kind, held.source, position=position))


def checked_total(tensors: Tensors, problems: list[Problem], path: Path) -> Tensors:
    """Return the tensors unless something is wrong with them or with their sum.

    Raises:
        UnsafeFileError: A dataset reaches out of the file.
        UnreadableError: Anything else that `problems` names.
        CorruptFileError: Datasets are used over and over to claim more than the file can hold.
    """
    if any(problem.kind == "unsafe" for problem in problems):
        raise UnsafeFileError(
            "refused, since its weights lie elsewhere, need foreign code or are claims alone",
            path=path,
            problems=problems,
            remedy="Write the model anew with the Keras that made it, into one plain file.",
        )
    if problems:
        raise UnreadableError("has weights that cannot be read", path=path, problems=problems)
    total, size = sum(tensor.nbytes for tensor in tensors), path.stat().st_size
    if total > size * _MAX_EXPANSION:
        raise CorruptFileError(
            f"claims {total} bytes of values, {_MAX_EXPANSION} times more than its {size} bytes "
            "can hold",
            path=path,
        )
    return tensors


def unique(names: list[str], place: str) -> list[str]:
    """Return the names, each met once.

    Raises:
        CorruptFileError: One stands there twice.
    """
    for name, count in Counter(names).items():
        if count > 1:
            raise CorruptFileError(f"{place!r} lists {name!r} more than once")
    return names


def readable(layer: str, group: str, weight: str, taken: dict[str, int]) -> str:
    """Return a name for people: ``dense.kernel`` for ``dense/dense/kernel:0``, never used twice.

    Arguments:
        layer: The layer's name in the translated config.
        group: Its name in the file.
        weight: The name of the dataset.
        taken: Name -> how often it was wanted; this call counts in it.
    """
    head, segments = group.split("/"), weight.partition(":")[0].split("/")
    if segments[: len(head)] == head:
        segments = segments[len(head) :]
    name = stem = join_name(layer, *segments)
    while name in taken:
        taken[stem] += 1
        name = f"{stem}_{taken[stem]}"
    taken[name] = 0
    return name


def _last(weight: str) -> str:
    return weight.partition(":")[0].rsplit("/", 1)[-1]
