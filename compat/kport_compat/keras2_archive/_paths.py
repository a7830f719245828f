"""Where Keras 2 keeps a value in ``model.weights.h5``, said as where Keras 3 keeps it.

Keras 2.13 to 2.15 use the paths of Keras 3. Keras 2.12 keeps the layers of a model below
``_layer_checkpoint_dependencies``, a dict that has a layer with weights under two keys, so that
the counter of the names goes on by two: ``dense``, ``dense_2``, ``dense_4``
(``keras/saving/saving_lib.py`` of 2.12, `_save_container_state`; ``keras/engine/functional.py``,
`_layer_checkpoint_dependencies`). A layer that was written under an earlier path has no group here,
and counts all the same.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from kport.errors import CorruptFileError

__all__ = ["keras_3_paths"]

_OLD = "_layer_checkpoint_dependencies"
_NUMBERED = re.compile(r"(.+)_(\d{1,6})")


def keras_3_paths(groups: Iterable[str], values: Collection[str]) -> dict[str, str]:
    """Return path of a group -> its path in a file of Keras 3, for those below a model's layers.

    Arguments:
        groups: Every group of the file.
        values: The path of every dataset.

    Raises:
        CorruptFileError: The counters are such as Keras 2 never wrote.

    Example:
        >>> layers = "_layer_checkpoint_dependencies"
        >>> keras_3_paths([layers, f"{layers}/dense_2"], [f"{layers}/dense_2/vars/0"])
        {'_layer_checkpoint_dependencies/dense_2': 'layers/dense_1'}
    """
    weighted = {path[:end] for path in values for end in _ends(path)}
    containers: dict[str, list[str]] = {}
    for group in groups:
        parent, _, name = group.rpartition("/")
        if parent == _OLD or parent.endswith(f"/{_OLD}"):
            containers.setdefault(parent, []).append(name)
    return _joined(
        {parent: _counted(parent, names, weighted) for parent, names in containers.items()}
    )


def _ends(path: str) -> Iterable[int]:
    return (place for place, sign in enumerate(path) if sign == "/")


def _counted(parent: str, names: list[str], weighted: Collection[str]) -> dict[str, str]:
    """Return name -> name as Keras 3 counts, for the layers of one model."""
    series: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        numbered = _NUMBERED.fullmatch(name)
        stem, number = (numbered[1], int(numbered[2])) if numbered else (name, 0)
        series.setdefault(stem, []).append((number, name))
    new = {}
    for stem, members in series.items():
        expected = index = 0
        for number, name in sorted(members):
            skipped, odd = divmod(number - expected, 2)  # layers written elsewhere, two each
            if odd or skipped < 0:
                raise CorruptFileError(f"{parent}/{name} is numbered as no Keras 2 numbers layers")
            index += skipped
            new[name] = f"{stem}_{index}" if index else stem
            expected = number + (2 if f"{parent}/{name}" in weighted else 1)
            index += 1
    return new


def _joined(counted: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    paths: dict[str, str] = {}
    for parent in sorted(counted):  # an outer model stands before those inside
        for name, new in counted[parent].items():
            paths[f"{parent}/{name}"] = f"{translated(parent, paths, True)}/{new}"
    return paths


def translated(path: str, paths: Mapping[str, str], container: bool = False) -> str:
    """Return the Keras 3 path of anything below the groups of `paths`."""
    head = path
    while head and head not in paths:
        head = head.rpartition("/")[0]
    moved = paths[head] + path[len(head) :] if head else path
    return moved.removesuffix(_OLD) + "layers" if container else moved
