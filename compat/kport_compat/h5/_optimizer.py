"""The tensors of ``optimizer_weights``, with what each of them belongs to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from kport.checkpoint import JSON, Kind, Note, Position, join_name
from kport.errors import Problem
from kport.formats._mapped import MappedFile
from kport.formats.hdf5 import Group
from kport_compat.h5._container import attribute_names, below
from kport_compat.h5._weights import Tensors, collect, readable
from kport_compat.training import named_state

__all__ = ["optimizer_tensors", "variable_names"]


def optimizer_tensors(
    group: Group,
    backing: MappedFile,
    optimizer: JSON | None,
    generation: int,
    weights: Mapping[str, str],
) -> tuple[Tensors, list[Note], list[Problem]]:
    """Return the state of the optimizer; nothing of it where that is unsure.

    Arguments:
        group: ``optimizer_weights``.
        backing: The file.
        optimizer: The translated config of the optimizer, None where there is none.
        generation: The major version of the Keras that wrote the file.
        weights: See `variable_names`.
    """
    names = attribute_names(group, "weight_names")
    if len(set(names)) < len(names):  # Keras 2 stopped in the middle of writing such a file
        text = "its weights share names; training starts with fresh slots"
        return [], [Note("dropped", "optimizer", text)], []
    found: Tensors = []
    problems: list[Problem] = []
    for index, name in enumerate(names):
        dotted = join_name("optimizer", *name.partition(":")[0].split("/"))
        what = (dotted, Kind.OPTIMIZER, Position("optimizer", index))
        collect(group, name, backing, what, found, problems)
    if problems or not found or generation >= 3:
        return found, [], problems  # Keras 3 lists them as its optimizers do
    return *named_state(dict(zip(names, found, strict=True)), optimizer, weights), problems


def variable_names(
    group: Group, renamed: Mapping[str, str], tensors: Collection[str]
) -> dict[str, str]:
    """Return the name of each variable -> the name of its tensor, where one name is one variable.

    Arguments:
        group: ``model_weights``.
        renamed: Layer name of the file -> of the translated config, where they differ.
        tensors: The names of the tensors.
    """
    pairs = []
    for layer in attribute_names(group, "layer_names"):
        for weight in attribute_names(below(group, layer), "weight_names"):
            title = readable(renamed.get(layer, layer), layer, weight, {})
            pairs.append((weight.partition(":")[0], title))
    variables = Counter(variable for variable, _ in pairs)
    titles = Counter(title for _, title in pairs)
    return {
        variable: title
        for variable, title in pairs
        if title in tensors and variables[variable] == titles[title] == 1
    }
