"""Build every layer of a subclassed model with the shapes it was built with once.

Keras rebuilds a subclassed model by running its `call` on one symbolic input. That skips what the
run does not reach (branches of training, optional inputs, data-dependent code), and then leaves
random weights. Every layer knows the shapes of its own `build`; so kport keeps those, and no code
of the user's `call` has to run.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping

import keras

from kport.checkpoint import JSON, names_below
from kport.errors import LoadError, mapped
from kport.model._keras import is_graph
from kport.model._layer_states import adapt_layers, set_policies
from kport.model._walk import Walk, walk

__all__ = ["build_again", "build_configs", "build_layers"]

_ROUNDS = 50  # a build() may make layers that have a build(); nobody nests them deeper


def build_configs(found: Walk) -> Iterator[tuple[str, JSON]]:
    """Yield path and build config of every built layer that no functional graph builds.

    A layer that is reached by two paths is there under both: out of a config it may come back as
    two layers, which share their variables once they are built.
    """
    owners = {owner.path: owner for owner in found.owners if isinstance(owner.thing, keras.Layer)}
    for path, owner in owners.items():
        if path and not owner.in_graph:
            yield from _build_config(path, owner.thing)
    ordered = sorted(owners)
    for second, first in found.ties.items():
        if first in owners:
            parent = owners.get(second.rpartition(".")[0])
            if not (parent and isinstance(parent.thing, keras.Model) and is_graph(parent.thing)):
                yield from _build_config(second, owners[first].thing)
        for path in names_below(first, ordered):
            if not owners[path].in_graph:
                yield from _build_config(second + path[len(first) :], owners[path].thing)


def _build_config(path: str, layer: keras.Layer) -> Iterator[tuple[str, JSON]]:
    config = layer.get_build_config() if layer.built else None
    if config or (layer.built and _built_by_calls(layer)):
        yield path, json.loads(json.dumps(config or {}))


def _built_by_calls(layer: keras.Layer) -> bool:
    """Whether a call builds what is in it; where Keras cannot trace that, it knows no shapes."""
    own = not type(layer).__module__.startswith("keras.")
    return own and type(layer).build in (keras.Layer.build, keras.Model.build)


def build_layers(
    model: keras.Model, builds: Mapping[str, JSON], states: Mapping[str, JSON]
) -> None:
    """Build the layers of a model that are not built yet, parents first, and adapt all of them.

    Raises:
        LoadError: A layer's own `build` failed.
    """
    done: set[str] = set()
    for _ in range(_ROUNDS):
        # A build() can make new layers, so look again until it made none.
        found = walk(model)
        set_policies(found, states)
        waiting = [
            (path, layer)
            for path, layer in found.layers()
            if path in builds and path not in done and not layer.built
        ]
        if not waiting:
            break
        for path, layer in waiting:
            done.add(path)
            if not layer.built:
                _build(path, layer, builds[path])
    if not model.built and _built_by_calls(model):
        model.built = "unbuilt" not in states.get(".", {})
    adapt_layers(found, states)


def build_again(model: keras.Model, config: JSON) -> None:
    """Build a subclassed model by its own build config, where something was left unbuilt.

    Raises:
        LoadError: Its `build` failed.
    """
    build_config = config.get("build_config")
    if build_config and not all(layer.built for _, layer in walk(model).layers()):
        model.built = False
        _build(model.name, model, build_config)


def _build(path: str, layer: keras.Layer, config: JSON) -> None:
    with (
        mapped(LoadError, f"the layer {path} ({type(layer).__name__}) cannot be built"),
        warnings.catch_warnings(),
    ):
        # A layer without build() has no variables of its own; its parts are built on their own.
        warnings.filterwarnings("ignore", message=r"`build\(\)` was called on layer")
        warnings.filterwarnings("ignore", message=".* had a build config, but the model cannot")
        layer.build_from_config(config)
        layer.built = layer.built or not config
