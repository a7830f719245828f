"""Freeze parts of a model by path, so that they keep their weights while the rest is trained."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

import keras

from kport.checkpoint import Kind, matches
from kport.errors import UsageError
from kport.model._inference import set_inference
from kport.model._keras import own_variables
from kport.model._walk import Walk, walk

__all__ = ["freeze", "freeze_inner", "frozen_names", "said_frozen", "set_frozen", "unfreeze"]


def freeze(model: keras.Model, *patterns: str) -> tuple[str, ...]:
    """Freeze the layers that the patterns name; see `kport.freeze`."""
    return _change(model, patterns, True)


def unfreeze(model: keras.Model, *patterns: str) -> tuple[str, ...]:
    """Undo `freeze`; see `kport.unfreeze`."""
    return _change(model, patterns, False)


def said_frozen(config: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the names that lead to each inner Sequential model that its config freezes.

    Keras passes over the flag, and takes configs apart as it reads them: ask beforehand.
    """
    inner = config.get("config")
    layers = inner.get("layers") if isinstance(inner, dict) else None
    found: list[tuple[str, ...]] = []
    for one in layers if isinstance(layers, list) else ():
        if isinstance(one, dict) and one.get("class_name") in ("Sequential", "Functional"):
            name = str(one["config"].get("name"))
            if one["class_name"] == "Sequential" and one["config"].get("trainable") is False:
                found.append((name,))
            found += [(name, *rest) for rest in said_frozen(one)]
    return found


def freeze_inner(model: keras.Model, paths: Iterable[tuple[str, ...]]) -> None:
    """Freeze the inner models to which the names lead."""
    for path in paths:
        inner = model
        for name in path:
            inner = inner.get_layer(name)
        inner.trainable = False


def _change(model: keras.Model, patterns: Iterable[str], freezing: bool) -> tuple[str, ...]:
    if not isinstance(model, keras.Layer):
        raise UsageError(f"expected a Keras model, got {type(model).__name__}")
    found = walk(model)
    paths = [path for path, _ in found.layers()]
    chosen: list[str] = []
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise UsageError(f"expected patterns of paths, got {pattern!r}")
        hit = [path for path in paths if matches(pattern, path)]
        if not hit:
            near = difflib.get_close_matches(pattern.replace("/", "."), paths, 3, 0.4)
            raise UsageError(
                f"{pattern!r} matches no layer of {model.name!r}",
                remedy=f"Layers with a similar path: {', '.join(near)}." if near else "",
            )
        chosen += [path for path in hit if path not in chosen]
    picked = {name or "." for name in [*paths, *found.variables] if _is_below(name, chosen)}
    parents = {path or "." for path in paths if any(_is_below(one, [path]) for one in chosen)}
    before = _frozen_one_by_one(found)
    set_frozen(found, before | picked if freezing else before - picked - parents)
    for path, layer in found.layers():
        if (path or ".") in (picked if freezing else picked | parents):
            set_inference(layer, freezing)
    return tuple(path for path in paths if path in picked)


def _frozen_one_by_one(found: Walk) -> set[str]:
    """All that is frozen, each variable too, so that thawing a layer thaws nothing else."""
    names = found.names()
    frozen = set(frozen_names(found))
    for path, layer in found.layers():
        if (path or ".") in frozen:
            frozen.update(names[id(variable)] for variable in own_variables(layer)[0])
    return frozen


def _is_below(name: str, tops: Iterable[str]) -> bool:
    return any(not top or name == top or name.startswith(f"{top}.") for top in tops)


def frozen_names(found: Walk) -> list[str]:
    """Return the paths of frozen layers, and of frozen variables of layers that are not.

    The model itself is ``.``.
    """
    names = found.names()
    frozen = []
    for path, layer in found.layers():
        if not layer.trainable:
            frozen.append(path or ".")
            continue
        # A layer that borrows the weight of a frozen one counts it among its states, or does not,
        # by which of the two was first.
        own = (one for row in own_variables(layer) for one in row if not one.trainable)
        weights = (names[id(one)] for one in own)
        frozen += [name for name in weights if found.kinds[name] is Kind.PARAMETER]
    return frozen


def set_frozen(found: Walk, frozen: set[str]) -> None:
    """Set ``trainable`` of every layer and variable; parents first, so parts have the last word."""
    names = found.names()
    for path, layer in found.layers():
        flag = (path or ".") not in frozen
        if layer.trainable != flag:
            layer.trainable = flag
        for variable in own_variables(layer)[0]:
            kept = flag and names.get(id(variable)) not in frozen
            if variable.trainable != kept:
                variable.trainable = kept
