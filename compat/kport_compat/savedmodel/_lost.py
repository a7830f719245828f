"""Tell what a file knows of classes that may not be here, for the error when they are not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from kport.checkpoint import JSON, LazyTensor, Note
from kport.errors import Problem
from kport_compat.keras2 import module_of
from kport_compat.savedmodel._graph import Graph
from kport_compat.savedmodel._names import Names, layers_of, model_config
from kport_compat.savedmodel._refuse import signatures
from kport_compat.tensorbundle import Message

__all__ = ["about_classes", "without_config"]

_NO_CONFIG = "layer was saved without config"  # TensorFlow 2.0 to 2.4 wrote this in its place
_MODELS = frozenset({"Functional", "Model", "Sequential"})
_MAX_SHOWN = 8  # variables of one layer
_MAX_CONFIG = 400  # characters
_PLANNED = (
    "what TensorFlow traced for it may be in the file; kport does not run that yet. Until then, "
    "register the class (@kport.register, custom_objects=), or take the weights alone: kport "
    "convert SRC DST --weights-only, kport.load_weights(model, SRC)"
)


def without_config(graph: Graph) -> list[Note]:
    """Return a note for each part of a model that was saved without its config."""
    parts = [graph.metadata(one) for one in (0, *layers_of(graph, 0))]
    return [
        Note(
            "dropped",
            str(part.get("name") or "the model"),
            f"its class {part.get('class_name')!r} has no get_config, so its arguments are not "
            "in the file",
        )
        for part in parts
        if not _has_config(part)
    ]


def about_classes(
    meta: Message, graph: Graph, names: Names, tensors: Sequence[LazyTensor]
) -> Mapping[str, tuple[Problem, ...]]:
    """Return the class of each layer that is not Keras's own -> what is known of it."""
    every: dict[str, list[int]] = {}
    for number in names.layers:
        about = graph.metadata(number)
        name = str(about.get("class_name", "")).rpartition(">")[2]
        known = module_of(name, "layers") is not None or name in _MODELS
        if not (known and _has_config(about)):
            every.setdefault(name, []).append(number)
    return {
        name: tuple(_about(name, numbers, meta, graph, names, tensors))
        for name, numbers in every.items()
    }


def _about(
    name: str,
    numbers: list[int],
    meta: Message,
    graph: Graph,
    names: Names,
    tensors: Sequence[LazyTensor],
) -> Iterator[Problem]:
    number = numbers[0]
    path = names.layers[number]
    more = f" (and {len(numbers) - 1} more)" if len(numbers) > 1 else ""
    place = f"{name} {path or 'as the model'}{more}"
    yield Problem(place, f"its config is {_config(model_config(graph.metadata(number)))}")
    start = f"{path}." if path else ""
    own = [one for one in tensors if one.name.startswith(start)]
    listed = [
        f"{one.name.removeprefix(start)} {one.dtype}{list(one.shape)}" for one in own[:_MAX_SHOWN]
    ]
    rest = f" and {len(own) - _MAX_SHOWN} more" if len(own) > _MAX_SHOWN else ""
    yield Problem(place, f"its variables are {', '.join(listed) or 'none'}{rest}")
    if not path:
        yield from signatures(meta)
    yield Problem(place, _PLANNED)


def _has_config(about: JSON) -> bool:
    config = about.get("config")
    return isinstance(config, dict) and _NO_CONFIG not in config


def _config(model: JSON) -> str:
    if not _has_config(model):
        return "not in the file: the class had no get_config"
    text = json.dumps(model["config"])
    return text if len(text) <= _MAX_CONFIG else f"{text[:_MAX_CONFIG]}..."
