"""Tensor names: attribute paths such as ``encoder.blocks.0.attention.query.kernel``.

A name is a row of segments joined by dots: an attribute, a list index, a dict key, or the name of
a layer inside a Sequential or functional model. Dots and percent signs inside a segment are
percent-encoded (RFC 3986), so the dots left are always joints and names never collide.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cache

__all__ = [
    "distinct",
    "join_name",
    "local_layer_names",
    "names_below",
    "snake_case",
    "split_name",
    "without_prefix",
]


def join_name(*segments: str) -> str:
    """Join segments to a name; empty ones vanish.

    Example:
        >>> join_name("encoder", "block.v2", "kernel")
        'encoder.block%2Ev2.kernel'
    """
    return ".".join([_encode(segment) for segment in segments if segment != ""])


def split_name(name: str) -> tuple[str, ...]:
    """Undo `join_name`.

    Example:
        >>> split_name("encoder.block%2Ev2.kernel")
        ('encoder', 'block.v2', 'kernel')
    """
    return tuple(part.replace("%2E", ".").replace("%25", "%") for part in name.split("."))


def _encode(segment: str) -> str:
    return segment.replace("%", "%25").replace(".", "%2E")


def names_below(path: str, ordered: Sequence[str]) -> Sequence[str]:
    """Return the names that go on from a path, out of a sorted row of names.

    Example:
        >>> names_below("a", ["a", "a-b", "a.b", "a.c.d", "aa.b", "b"])
        ['a.b', 'a.c.d']
    """
    after = f"{path}{chr(ord('.') + 1)}"
    return ordered[bisect_left(ordered, f"{path}.") : bisect_left(ordered, after)]


def local_layer_names(layers: Sequence[tuple[str, str]], made_by: str = "") -> list[str]:
    """Name the layers of one Sequential or functional model, whatever Keras auto-numbered them.

    A name that a person gave is kept. A name that Keras made up (``dense_7``: the class in snake
    case and a counter that goes on through the whole process) is counted anew inside this model:
    ``dense``, ``dense_1``. So the same model has the same names in every process.

    Code that puts the name of the model before those of its layers puts there what it was given:
    nothing or None at first, the name that Keras made up once that stands in a config. It is left
    out.

    Arguments:
        layers: For each layer its class name and its name.
        made_by: The class of the model, where its code names the layers.

    Example:
        >>> local_layer_names([("Dense", "dense_7"), ("Dense", "head"), ("Dense", "dense_9")])
        ['dense', 'head', 'dense_1']
        >>> local_layer_names([("Stem", "tower_2_stem"), ("Dense", "head")], "Tower")
        ['stem', 'head']
    """
    short = [(cls, without_prefix(name, made_by)) for cls, name in layers] if made_by else []
    layers = short if len({name for _, name in short}) == len(layers) else layers
    given = {name for cls, name in layers if not _is_automatic(cls, name)}
    counts: dict[str, int] = {}
    names = [name for _, name in layers]
    for at in sorted(range(len(layers)), key=lambda at: _counter(names[at])):
        if _is_automatic(*layers[at]):
            names[at] = _next_free(snake_case(layers[at][0]), counts, given)
    return names


def distinct(names: Sequence[str]) -> list[str]:
    """Let each of several names be one that no other one has, and none be empty.

    Example:
        >>> distinct(["1", "1", "a", "1_1", ""])
        ['1', '1_2', 'a', '1_1', '_']
    """
    names = [name or "_" for name in names]
    given, counts = set(names), dict[str, int]()
    return [_next_free(name, counts, given if name in counts else ()) for name in names]


def without_prefix(name: str, made_by: str) -> str:
    """Return the name of a layer without the made-up name of its model that it begins with.

    Example:
        >>> without_prefix("tower_2_stem", "Tower"), without_prefix("None_stem", "Tower")
        ('stem', 'stem')
    """
    import re

    prefix = rf"(None|{re.escape(snake_case(made_by))}(_\d+)?)_(?=\D)"
    return re.sub(f"^{prefix}", "", name)


def _counter(name: str) -> int:
    number = name.rpartition("_")[2]
    return int(number) if number.isdecimal() and len(number) < 10 else 0


# The input of a model that begins inside the graph of another one is named after the tensor that it
# begins at (keras/src/models/functional.py, 3.15), that of a clone like the tensor it gives.
_CLONE, _TENSOR = "CLONE", "keras_tensor"


def _is_automatic(cls: str, name: str) -> bool:
    made_up = {snake_case(cls)}
    if cls == "InputLayer":
        name = name.removesuffix(_CLONE)
        made_up.add(_TENSOR)
    stem, _, number = name.rpartition("_")
    return not made_up.isdisjoint({name, stem if number.isdecimal() else name})


def _next_free(stem: str, counts: dict[str, int], taken: Iterable[str]) -> str:
    while True:
        count = counts.get(stem, 0)
        counts[stem] = count + 1
        name = f"{stem}_{count}" if count else stem
        if name not in taken:
            return name


@cache
def snake_case(name: str) -> str:
    """Return a class name the way Keras makes layer names of it.

    The rule is that of ``keras.src.utils.naming.to_snake_case`` (Keras 3.15); a test compares
    the two over every public layer.

    Example:
        >>> snake_case("MultiHeadAttention")
        'multi_head_attention'
    """
    import re

    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
